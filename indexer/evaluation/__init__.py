"""Evaluation of an index on labelled queries: recall, MRR, precision, intervals."""

from __future__ import annotations

from indexer.evaluation.comparison import Change, Comparison, Figures, figures_of, worst
from indexer.evaluation.evaluate import Evaluation, Side, evaluate, named, summary, title_of
from indexer.evaluation.labelled_queries import LabelledQuery, QueryColumns
from indexer.evaluation.metrics import Estimate, Summary
from indexer.evaluation.runner import Outcome, RankedHit, judge

__all__ = [
    "Change",
    "Comparison",
    "Estimate",
    "Evaluation",
    "Figures",
    "LabelledQuery",
    "Outcome",
    "QueryColumns",
    "RankedHit",
    "Side",
    "Summary",
    "evaluate",
    "figures_of",
    "judge",
    "named",
    "summary",
    "title_of",
    "worst",
]
