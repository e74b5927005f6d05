"""Evaluation of an index on labelled queries: recall, precision, MRR and nDCG, with intervals."""

from __future__ import annotations

from indexer.evaluation.comparison import (
    Change,
    Comparison,
    MetricBreakdown,
    metric_breakdown,
    worst_outcomes,
)
from indexer.evaluation.evaluate import EvaluatedIndex, Evaluation, evaluate
from indexer.evaluation.labelled_queries import LabelledQuery, QueryColumns
from indexer.evaluation.metrics import Estimate, MetricSummary
from indexer.evaluation.runner import Outcome, RankedHit, run_queries
from indexer.evaluation.serialization import evaluation_json, product_title, query_name

__all__ = [
    "Change",
    "Comparison",
    "Estimate",
    "EvaluatedIndex",
    "Evaluation",
    "LabelledQuery",
    "MetricBreakdown",
    "MetricSummary",
    "Outcome",
    "QueryColumns",
    "RankedHit",
    "evaluate",
    "evaluation_json",
    "metric_breakdown",
    "product_title",
    "query_name",
    "run_queries",
    "worst_outcomes",
]
