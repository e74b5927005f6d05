"""Metrics of one evaluation by kind and category of query, and the comparison of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.evaluation.metrics import (
    MetricSummary,
    Values,
    metric_names,
    summarise,
    summarise_groups,
)
from indexer.evaluation.runner import Outcome, QueryRun

__all__ = [
    "Change",
    "Comparison",
    "MetricBreakdown",
    "compare",
    "metric_breakdown",
    "worst_outcomes",
]

# Column of nDCG, which changes are measured by: it depends on every rank, while recall and
# precision ignore the order of the first k hits.
_NDCG = 3


@dataclass(frozen=True)
class MetricBreakdown:
    """Metrics of one run, or the differences between two, by groups of queries.

    Attributes:
        overall: All queries.
        kinds: Queries by text, by picture and mixed.
        categories: Queries of each category.
    """

    overall: MetricSummary
    kinds: Mapping[str, MetricSummary]
    categories: Mapping[str, MetricSummary]


@dataclass(frozen=True)
class Change:
    """A query that two runs answer differently.

    Attributes:
        before: Outcome in the other run.
        after: Outcome in this run.
        difference: `[4]`, in the order of `metric_names`: `after` minus `before`.
    """

    before: Outcome
    after: Outcome
    difference: Values


@dataclass(frozen=True)
class Comparison:
    """The difference of two runs of the same queries.

    Attributes:
        differences: This run's metrics minus the other's, with paired intervals. An interval
            without 0 is a difference that holds for other queries of this kind too.
        better: Number of queries with a higher nDCG.
        worse: Number of queries with a lower nDCG.
        changed: Queries with the greatest change of nDCG, greatest first.
    """

    differences: MetricBreakdown
    better: int
    worse: int
    changed: tuple[Change, ...]


def metric_breakdown(run: QueryRun, k: int) -> MetricBreakdown:
    """Summarise the metrics of a run with one outcome or more."""
    return _breakdown(run.outcomes, _values(run.outcomes), k)


def compare(before: QueryRun, after: QueryRun, k: int, max_changes: int = 20) -> Comparison:
    """Compare two runs of the same queries.

    Args:
        before: The other run.
        after: This run; both from one call of `run_queries`, with one outcome or more.
        k: The k of the run's metrics.
        max_changes: Maximum number of changed queries to return.
    """
    differences = _values(after.outcomes) - _values(before.outcomes)
    by_ndcg = differences[:, _NDCG]
    order = np.argsort(-np.abs(by_ndcg), kind="stable")[:max_changes]
    changed = tuple(
        Change(before.outcomes[at], after.outcomes[at], differences[at])
        for at in order
        if by_ndcg[at] != 0.0
    )
    return Comparison(
        _breakdown(after.outcomes, differences, k),
        int(np.count_nonzero(by_ndcg > 0)),
        int(np.count_nonzero(by_ndcg < 0)),
        changed,
    )


def worst_outcomes(run: QueryRun, max_outcomes: int = 20) -> tuple[Outcome, ...]:
    """Select the outcomes with the lowest nDCG, lowest first; those with nDCG 1 are left out."""
    values = _values(run.outcomes)[:, _NDCG]
    order = np.argsort(values, kind="stable")[:max_outcomes]
    return tuple(run.outcomes[at] for at in order if values[at] < 1.0)


def _values(outcomes: Sequence[Outcome]) -> Values:
    return np.stack([outcome.values for outcome in outcomes])


def _breakdown(outcomes: Sequence[Outcome], values: Values, k: int) -> MetricBreakdown:
    names = metric_names(k)
    kinds = [outcome.query.kind_name for outcome in outcomes]
    categories = [outcome.query.category for outcome in outcomes]
    return MetricBreakdown(
        summarise(values, names),
        summarise_groups(values, kinds, names),
        summarise_groups(values, categories, names),
    )
