"""Ranking metrics: recall, precision, MRR and nDCG over labelled queries, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CONFIDENCE",
    "DEPTH",
    "Estimate",
    "MetricSummary",
    "bootstrap",
    "metric_names",
    "query_metrics",
    "summarise",
    "summarise_groups",
]

Values = NDArray[np.float64]

DEPTH = 100
"""Hits that MRR looks at; k if that is more."""

CONFIDENCE = 0.95
"""Confidence level of the intervals."""

# Resamples of an interval. Efron and Tibshirani 1993, chapter 13, recommend 1,000 or more for
# percentiles; the ends of the intervals then vary by about 2% of their width from seed to seed.
_RESAMPLES = 2000
_SEED = 0
# Values resampled at once (64 MiB).
_BLOCK = 8 * 2**20


@dataclass(frozen=True)
class Estimate:
    """A mean over queries.

    Attributes:
        value: The mean.
        low: Lower end of its 95% bootstrap interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MetricSummary:
    """The metrics of a group of queries.

    Attributes:
        queries: Number of queries, from 1.
        metrics: An estimate for each of `metric_names`.
    """

    queries: int
    metrics: Mapping[str, Estimate]


def metric_names(k: int) -> tuple[str, ...]:
    """Return the names of the metrics: `recall@K`, `precision@K`, `mrr`, `ndcg@K`."""
    return (f"recall@{k}", f"precision@{k}", "mrr", f"ndcg@{k}")


def query_metrics(gains: Sequence[float], ideal: Sequence[float] | Values, k: int) -> Values:
    """Compute the metrics of one ranking.

    - recall@k: the share of the relevant products that are among the first k hits;
    - precision@k: the share of the first k ranks with a relevant product; empty ranks count as
      wrong;
    - mrr: 1 / rank of the first relevant product, 0 if there is none;
    - ndcg@k: the sum of gain / log2(rank + 1) over the first k hits, divided by the same sum for
      the best possible ranking (Jarvelin and Kekalainen 2002, ACM TOIS 20(4), with linear gain and
      the discount from the first rank on, as in trec_eval).

    Args:
        gains: Gain of each hit, best hit first; 0 if it is not relevant. Each product at most once.
        ideal: Gains above 0 of all relevant products, found or not, in any order.
        k: Number of hits, from 1.

    Returns:
        `[4]`, in the order of `metric_names`; all 0 if no product is relevant.
    """
    found = np.asarray(gains, dtype=np.float64)
    best = np.sort(np.asarray(ideal, dtype=np.float64))[::-1]
    if not len(best):
        return np.zeros(4)
    first = np.flatnonzero(found > 0)
    right = float(np.count_nonzero(found[:k] > 0))
    return np.array(
        [
            right / len(best),
            right / k,
            1.0 / (1 + first[0]) if len(first) else 0.0,
            _discounted(found[:k]) / _discounted(best[:k]),
        ]
    )


def _discounted(gains: Values) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def bootstrap(values: Values) -> list[Estimate]:
    """Compute means over queries with percentile bootstrap intervals.

    Queries are drawn with replacement, and the same queries for every column, so that a column of
    differences between two systems gives their paired interval (Sakai 2006, SIGIR, "Evaluating
    evaluation metrics based on the bootstrap"; Smucker, Allan and Carterette 2007, CIKM, found it
    to agree with the randomisation and t tests). Equal values give equal intervals.

    Args:
        values: `[queries, columns]`, one query or more.

    Returns:
        An estimate for each column. The interval of a single query has no width and no meaning.
    """
    count, columns = values.shape
    rng = np.random.default_rng(_SEED)
    at_once = max(1, min(_RESAMPLES, _BLOCK // (count * columns)))
    means = [
        values[rng.integers(0, count, (min(at_once, _RESAMPLES - start), count))].mean(axis=1)
        for start in range(0, _RESAMPLES, at_once)
    ]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(np.concatenate(means), (tail, 100 - tail), axis=0)
    centre = values.mean(axis=0)
    # Rounding can put the mean of equal values slightly outside the interval.
    low, high = np.minimum(low, centre), np.maximum(high, centre)
    return [Estimate(float(centre[at]), float(low[at]), float(high[at])) for at in range(columns)]


def summarise(values: Values, names: Sequence[str]) -> MetricSummary:
    """Summarise the metrics of one group of queries.

    Args:
        values: `[queries, metrics]`, one query or more.
        names: Names of the metrics.
    """
    return MetricSummary(len(values), dict(zip(names, bootstrap(values), strict=True)))


def summarise_groups(
    values: Values, groups: Sequence[str | None], names: Sequence[str]
) -> dict[str, MetricSummary]:
    """Summarise the metrics of each group of queries, in alphabetical order of the groups.

    Args:
        values: `[queries, metrics]`.
        groups: The group of each query; queries without one are left out.
        names: Names of the metrics.
    """
    of_query = np.array(groups, dtype=object)
    return {
        group: summarise(values[of_query == group], names)
        for group in sorted({group for group in groups if group is not None})
    }
