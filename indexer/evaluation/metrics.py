"""How good rankings are: recall, precision, MRR and nDCG over labelled queries, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CONFIDENCE",
    "DEPTH",
    "Estimate",
    "Summary",
    "bootstrap",
    "metric_names",
    "query_metrics",
    "summarise",
    "summarise_groups",
]

Values = NDArray[np.float64]

DEPTH = 100
"""How far down a ranking MRR looks for the first relevant product (or k, where that is more)."""

CONFIDENCE = 0.95
"""Of the intervals."""

# Resamples of an interval. Efron and Tibshirani 1993, chapter 13, ask for 1,000 or more for
# percentiles; the intervals' ends then vary by about 2% of their width from seed to seed.
_RESAMPLES = 2000
_SEED = 0
# Values that are resampled at once: 64 MiB of them.
_BLOCK = 8 * 2**20


@dataclass(frozen=True)
class Estimate:
    """A mean over queries.

    Attributes:
        value: The mean.
        low: Where its 95% bootstrap interval begins.
        high: Where it ends.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """The figures of a group of queries.

    Attributes:
        queries: How many they are, from 1.
        metrics: An estimate for each of `metric_names`.
    """

    queries: int
    metrics: Mapping[str, Estimate]


def metric_names(k: int) -> tuple[str, ...]:
    """The names of what `query_metrics` gives: `recall@K`, `precision@K`, `mrr`, `ndcg@K`."""
    return (f"recall@{k}", f"precision@{k}", "mrr", f"ndcg@{k}")


def query_metrics(gains: Sequence[float], ideal: Sequence[float] | Values, k: int) -> Values:
    """What one ranking is worth.

    - recall@k: the share of the relevant products that are among the first k;
    - precision@k: the share of the first k places that hold a relevant product; places left empty
      count as wrong;
    - mrr: 1 / rank of the first relevant product, 0 if there is none in the ranking given;
    - ndcg@k: the sum of gain / log2(rank + 1) over the first k, divided by the same sum for the
      best ranking there could be (Jarvelin and Kekalainen 2002, ACM TOIS 20(4), with the gain as
      it is, and the discount from the first rank on as trec_eval has it).

    Args:
        gains: Of the hits, best first; 0 for what is not relevant. Every product once.
        ideal: Gains above 0 of all the relevant products, found or not, in any order.
        k: From 1.

    Returns:
        `[4]`, in the order of `metric_names`; all 0 where nothing is relevant.
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
    """Means over queries with percentile bootstrap intervals.

    Queries are drawn anew with replacement, the same draws for every column, so that a column of
    differences between two systems gives their paired interval (Sakai 2006, SIGIR, "Evaluating
    evaluation metrics based on the bootstrap"; Smucker, Allan and Carterette 2007, CIKM, found its
    verdicts to agree with those of the randomisation and t tests). The same values give the same
    intervals.

    Args:
        values: `[queries, columns]`, one query or more.

    Returns:
        An estimate for each column. One query alone has an interval of no width, which says
        nothing.
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
    # Rounding can put the mean of equal values a hair outside.
    low, high = np.minimum(low, centre), np.maximum(high, centre)
    return [Estimate(float(centre[at]), float(low[at]), float(high[at])) for at in range(columns)]


def summarise(values: Values, names: Sequence[str]) -> Summary:
    """The figures of some queries.

    Args:
        values: `[queries, metrics]`, one query or more.
        names: Of the metrics.
    """
    return Summary(len(values), dict(zip(names, bootstrap(values), strict=True)))


def summarise_groups(
    values: Values, groups: Sequence[str | None], names: Sequence[str]
) -> dict[str, Summary]:
    """The figures of each group of queries, in the groups' order; queries of no group are left out.

    Args:
        values: `[queries, metrics]`.
        groups: `[queries]`.
        names: Of the metrics.
    """
    found = np.array([group is not None for group in groups])
    labels = np.array([group or "" for group in groups], dtype=object)
    return {
        group: summarise(values[found & (labels == group)], names)
        for group in sorted({group for group in groups if group is not None})
    }
