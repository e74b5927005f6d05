"""Confidence: the probability that a hit is what its query asked for, fit when an index is built.

The model is a logistic one (Platt 1999) of the cosine and of the query's own vector, one for each
kind of query: see `docs/confidence.md`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.storage import QueryKind

__all__ = [
    "PRIORS",
    "Background",
    "Calibration",
    "Confidence",
    "Pairs",
    "Prior",
    "confidence_from_json",
    "confidence_to_json",
    "fit_calibration",
]

Doubles = NDArray[np.float64]

# How far a fit may go from its prior: standard deviations of the offset, and of the slope as a
# share of the prior's.
_OFFSET_SD = 3.0
_SLOPE_SD = 0.7
# Standard deviations tried for the weights on the query's vector; the likeliest on queries left out
# wins. 0 leaves the vector out.
_DIRECTION_SDS = (0.0, 1.0, 3.0)
# The query's vector is looked at along so many principal axes of the queries fit with.
_AXES = 48
# With fewer queries than this there is nothing to choose with, and the vector is left out.
_MIN_QUERIES = 40
_FOLDS = 5
# Hits of one query are alike: together they count as so many independent ones.
_HITS_WORTH = 3.0
# Logits beyond this are the same to a reader, and keep exp() finite.
_MAX_LOGIT = 30.0
_STEPS = 30
_DIGITS = 5


@dataclass(frozen=True)
class Background:
    """Cosines of a catalog's pictures to words or pictures that are not of its world.

    Attributes:
        mean: Of those cosines.
        sd: Their standard deviation, above 0.
    """

    mean: float
    sd: float

    @classmethod
    def of(cls, cosines: NDArray[np.floating[Any]]) -> Background:
        """The background of some cosines; of none, or of equal ones, one that changes nothing."""
        if cosines.size < 2:
            return cls(0.0, 1.0)
        sd = float(cosines.std())
        return cls(float(cosines.mean()), sd if sd > 1e-3 else 1.0)


@dataclass(frozen=True)
class Prior:
    """What is believed before a catalog is seen: log-odds `offset + slope * z`.

    `z` is the cosine less the background's mean, in its standard deviations.
    """

    offset: float
    slope: float


# Fit for `compact` on the training parts of three catalogs by `scripts/bench search --part priors`.
PRIORS: Mapping[QueryKind, Prior] = {
    QueryKind.TEXT: Prior(-9.0, 2.1),
    QueryKind.IMAGE: Prior(-5.3, 1.05),
    QueryKind.MIXED: Prior(-5.25, 1.08),
}


@dataclass(frozen=True)
class Pairs:
    """Queries with some of their hits, of which is known whether they are what was asked for.

    Attributes:
        queries: `[n, dim]` unit vectors.
        scores: `[n, k]` cosines of the hits; NaN where a query has fewer.
        right: `[n, k]`, whether the hit is what was asked for.
        weights: `[n]`, what each query counts, from 0.
    """

    queries: FloatArray
    scores: FloatArray
    right: NDArray[np.bool_]
    weights: Doubles

    def __len__(self) -> int:
        return len(self.queries)

    def some(self, chosen: NDArray[Any]) -> Pairs:
        """Those of some queries, given as a mask or as row numbers."""
        return Pairs(
            self.queries[chosen], self.scores[chosen], self.right[chosen], self.weights[chosen]
        )

    @classmethod
    def join(cls, parts: list[Pairs]) -> Pairs:
        """All of several, which have one `k`."""
        return cls(
            np.concatenate([part.queries for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.right for part in parts]),
            np.concatenate([part.weights for part in parts]),
        )


@dataclass(frozen=True)
class Calibration:
    """Log-odds that a hit is right: `offset + slope * score + direction . query`.

    Attributes:
        offset: With the background's mean and deviation already worked in.
        slope: Per unit of cosine, above 0, so that a nearer hit is never less sure.
        direction: What the query's own vector adds, `[dim]`; empty for nothing.
        queries: How many queries of the catalog it was fit with; 0 for the prior alone.
    """

    offset: float
    slope: float
    direction: tuple[float, ...] = ()
    queries: int = 0

    def logits(self, queries: FloatArray, scores: NDArray[np.floating[Any]]) -> Doubles:
        """Log-odds of `scores [n, k]` for `queries [n, dim]`."""
        shift = queries.astype(np.float64) @ np.array(self.direction) if self.direction else 0.0
        own = np.broadcast_to(np.asarray(shift, np.float64), (len(queries),))
        return np.asarray(self.offset + self.slope * scores + own[:, np.newaxis], np.float64)

    def of(self, query: FloatArray, scores: NDArray[np.floating[Any]]) -> Doubles:
        """Confidences, 0 to 1, of hits with cosines `scores [k]` to a unit vector `query [dim]`."""
        return _sigmoid(self.logits(query[np.newaxis], np.asarray(scores)[np.newaxis])[0])


@dataclass(frozen=True)
class Confidence:
    """The calibrations of an index, one for each kind of query.

    Attributes:
        kinds: By kind; all kinds are there.
        same: The field whose value says which products are the same kind of thing, for queries with
            pictures; empty where only a product itself is right.
    """

    kinds: Mapping[QueryKind, Calibration]
    same: str = ""

    def of(self, kind: QueryKind, query: FloatArray, scores: NDArray[np.floating[Any]]) -> Doubles:
        """Probabilities, 0 to 1, that hits are what was asked for.

        They fall with the score, and hang on nothing but the query and the score: not on a filter,
        nor on how many hits were asked for.

        Args:
            kind: What the query is made of.
            query: `[dim]` unit vector.
            scores: `[k]` cosines.
        """
        return self.kinds[kind].of(query, scores)


def fit_calibration(pairs: Pairs | None, background: Background, prior: Prior) -> Calibration:
    """The likeliest calibration, given some pairs and what is believed without them.

    Penalised logistic regression: offset and log-slope are drawn to the prior, the weights on the
    query's vector to 0, so that a handful of queries changes little and none changes nothing.

    Args:
        pairs: From the catalog; None for none.
        background: The catalog's, which the prior is in units of.
        prior: For this kind of query.
    """
    if pairs is None or not len(pairs) or not np.isfinite(pairs.scores).any():
        return _in_cosines(prior.offset, prior.slope, np.empty(0), background, 0)
    axes = _principal_axes(pairs.queries) if len(pairs) >= _MIN_QUERIES else np.empty((0, 0))
    spread = _choose_spread(pairs, axes, background, prior) if axes.size else 0.0
    offset, slope, along = _fit(pairs, axes, spread, background, prior)
    direction = axes.T @ along if along.size else np.empty(0)
    return _in_cosines(offset, slope, direction, background, len(pairs))


def confidence_to_json(confidence: Confidence | None) -> dict[str, Any] | None:
    """Plain JSON values; a direction is one text of numbers, which keeps a manifest legible."""
    if confidence is None:
        return None
    kinds = {
        str(kind): {
            "offset": calibration.offset,
            "slope": calibration.slope,
            "direction": " ".join(f"{number:.{_DIGITS}g}" for number in calibration.direction),
            "queries": calibration.queries,
        }
        for kind, calibration in confidence.kinds.items()
    }
    return {"kinds": kinds, "same": confidence.same}


def confidence_from_json(raw: Mapping[str, Any] | None) -> Confidence | None:
    """What `confidence_to_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: It is something else.
    """
    if raw is None:
        return None
    kinds = {
        kind: Calibration(
            offset=_finite(raw["kinds"][kind]["offset"]),
            slope=_finite(raw["kinds"][kind]["slope"]),
            direction=tuple(_finite(part) for part in raw["kinds"][kind]["direction"].split()),
            queries=int(raw["kinds"][kind]["queries"]),
        )
        for kind in PRIORS
    }
    if min(calibration.slope for calibration in kinds.values()) <= 0:
        raise ValueError("a slope is not above 0")
    return Confidence(kinds, str(raw["same"]))


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not finite")
    return number


def _in_cosines(
    offset: float, slope: float, direction: Doubles, background: Background, queries: int
) -> Calibration:
    def rounded(number: float) -> float:
        return float(f"{number:.{_DIGITS}g}")

    per_cosine = slope / background.sd
    return Calibration(
        offset=rounded(offset - per_cosine * background.mean),
        slope=rounded(per_cosine),
        direction=tuple(rounded(number) for number in direction.tolist()),
        queries=queries,
    )


def _principal_axes(queries: FloatArray) -> Doubles:
    """`[axes, dim]` directions along which the queries differ most, from the origin."""
    exact = queries.astype(np.float64)
    _, lengths, axes = np.linalg.svd(exact, full_matrices=False)
    kept = axes[: min(_AXES, int((lengths > 1e-6 * lengths[0]).sum()))]
    # A singular vector's sign is the library's whim; ours is fixed by its largest component.
    largest = np.abs(kept).argmax(axis=1)
    signs = np.sign(kept[np.arange(len(kept)), largest])
    return np.asarray(kept * signs[:, np.newaxis])


def _choose_spread(pairs: Pairs, axes: Doubles, background: Background, prior: Prior) -> float:
    """How much the query's vector may say: the likeliest of a few, on queries left out."""
    folds = np.arange(len(pairs)) % _FOLDS
    losses = []
    for spread in _DIRECTION_SDS:
        loss = 0.0
        for fold in range(_FOLDS):
            fitted = _fit(pairs.some(folds != fold), axes, spread, background, prior)
            loss += _loss(pairs.some(folds == fold), axes, fitted, background)
        losses.append(loss)
    return _DIRECTION_SDS[int(np.argmin(losses))]


def _loss(
    pairs: Pairs, axes: Doubles, fitted: tuple[float, float, Doubles], background: Background
) -> float:
    """Weighted logarithmic loss of one fit on some pairs."""
    design, right, weights = _design(
        pairs, axes if fitted[2].size else np.empty((0, 0)), background
    )
    logits = np.clip(design @ np.array([*fitted[:2], *fitted[2]]), -_MAX_LOGIT, _MAX_LOGIT)
    return float(weights @ (np.logaddexp(0.0, logits) - right * logits))


def _design(
    pairs: Pairs, axes: Doubles, background: Background
) -> tuple[Doubles, Doubles, Doubles]:
    """Rows `1, z, query along the axes` of every hit, whether it is right, and its weight."""
    there = np.isfinite(pairs.scores)
    scores = np.where(there, pairs.scores, 0.0).astype(np.float64)
    z = (scores - background.mean) / background.sd
    along = pairs.queries.astype(np.float64) @ axes.T if axes.size else np.empty((len(pairs), 0))
    count = pairs.scores.shape[1]
    design = np.column_stack([np.ones(z.size), z.ravel(), np.repeat(along, count, axis=0)])[
        there.ravel()
    ]
    each = _HITS_WORTH * pairs.weights / np.maximum(there.sum(axis=1), 1)
    weights = np.repeat(each, count)[there.ravel()]
    return design, pairs.right[there].astype(np.float64), weights


def _fit(
    pairs: Pairs, axes: Doubles, spread: float, background: Background, prior: Prior
) -> tuple[float, float, Doubles]:
    """Newton's method for offset, slope and weights along the axes, the slope held above 0."""
    if spread == 0.0:
        axes = np.empty((0, 0))
    design, right, weights = _design(pairs, axes, background)
    mean = np.zeros(design.shape[1])
    mean[:2] = prior.offset, prior.slope
    precision = np.full(design.shape[1], 1 / spread**2 if spread else 1.0)
    precision[:2] = 1 / _OFFSET_SD**2, 1 / (_SLOPE_SD * prior.slope) ** 2
    found = _newton(design, right, weights, mean, precision)
    least = 0.1 * prior.slope
    if found[1] < least:
        # The pairs contradict cosines. A small slope keeps the order; the rest is fit again.
        precision[1], mean[1] = 1e9, least
        found = _newton(design, right, weights, mean, precision)
    return float(found[0]), float(max(found[1], least)), found[2:]


def _newton(
    design: Doubles, right: Doubles, weights: Doubles, mean: Doubles, precision: Doubles
) -> Doubles:
    def objective(at: Doubles) -> float:
        logits = design @ at
        data = weights @ (np.logaddexp(0.0, logits) - right * logits)
        return float(data + 0.5 * (precision * (at - mean) ** 2).sum())

    found = mean.copy()
    value = objective(found)
    for _ in range(_STEPS):
        chance = _sigmoid(design @ found)
        gradient = design.T @ (weights * (chance - right)) + precision * (found - mean)
        curvature = (design * (weights * chance * (1 - chance))[:, np.newaxis]).T @ design
        step = np.linalg.solve(curvature + np.diag(precision), gradient)
        size = 1.0
        while (after := objective(found - size * step)) > value and size > 1e-4:
            size /= 2
        if after > value:
            break
        found, gain, value = found - size * step, value - after, after
        if gain < 1e-8 * (1 + abs(value)):
            break
    return found


def _sigmoid(logits: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_MAX_LOGIT, _MAX_LOGIT))), np.float64)
