"""Penalised logistic regression of a calibration: labelled hits in, offset and slope out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.calibration.model import Background, Calibration, Doubles, Prior, sigmoid

__all__ = ["Pairs", "fit_calibration"]

# Prior standard deviations: of the offset, and of the slope as a share of the prior's slope.
_OFFSET_SD = 3.0
_SLOPE_SD = 0.7
# The slope stays above this share of the prior's, so that a nearer hit is never less sure.
_LEAST_SLOPE = 0.1
# Prior standard deviations tried for the weights on the query's vector; cross-validation chooses.
# 0 leaves the vector out.
_DIRECTION_SDS = (0.0, 1.0, 3.0)
# Number of principal axes of the query vectors that carry weights.
_AXES = 48
# Axes along which the queries hardly differ, in proportion to the first, are left out.
_LEAST_SPREAD = 1e-6
# With fewer queries the vector is left out: there are too few to choose with.
_MIN_QUERIES = 40
_FOLDS = 5
# Hits of one query are alike: together they count as so many independent ones.
_HITS_WORTH = 3.0
# Log-odds are clipped to this in validation, so that one confident error does not decide alone.
_MAX_LOGIT = 30.0
# The optimiser stops at gains of the log posterior below this; it takes about 40 steps.
_TOLERANCE = 1e-6
_STEPS = 500
# Significant digits of the numbers of a calibration.
_DIGITS = 5


@dataclass(frozen=True)
class Pairs:
    """Queries with some of their hits, which are known to be right or wrong.

    Attributes:
        queries: `[n, dim]` unit vectors.
        scores: `[n, k]` cosines of the hits; NaN where a query has fewer.
        labels: `[n, k]`, whether the hit is right: what the query asked for.
        weights: `[n]` weights of the queries, from 0.
    """

    queries: FloatArray
    scores: FloatArray
    labels: NDArray[np.bool_]
    weights: Doubles

    def __len__(self) -> int:
        return len(self.queries)

    def some(self, chosen: NDArray[Any]) -> Pairs:
        """Return some of the queries, given as a mask or as row numbers."""
        return Pairs(
            self.queries[chosen], self.scores[chosen], self.labels[chosen], self.weights[chosen]
        )

    @classmethod
    def join(cls, parts: list[Pairs]) -> Pairs:
        """Concatenate pairs with the same `k`."""
        return cls(
            np.concatenate([part.queries for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.weights for part in parts]),
        )


@dataclass(frozen=True)
class _Design:
    """The regression's rows, one for each hit.

    Attributes:
        features: `[rows, 2 + axes]`: 1, the cosine in standard deviations of the background, and
            the query's vector along the axes.
        labels: `[rows]`, 1 where the hit is right.
        weights: `[rows]`.
    """

    features: Doubles
    labels: Doubles
    weights: Doubles

    @classmethod
    def of(cls, pairs: Pairs, axes: Doubles, background: Background) -> _Design:
        there = np.isfinite(pairs.scores)
        scores = np.where(there, pairs.scores, 0.0).astype(np.float64)
        z = (scores - background.mean) / background.sd
        along = pairs.queries.astype(np.float64) @ axes.T
        count = pairs.scores.shape[1]
        columns = [np.ones(z.size), z.ravel(), np.repeat(along, count, axis=0)]
        kept = there.ravel()
        each = _HITS_WORTH * pairs.weights / np.maximum(there.sum(axis=1), 1)
        return cls(
            np.column_stack(columns)[kept],
            pairs.labels[there].astype(np.float64),
            np.repeat(each, count)[kept],
        )

    def loss(self, weights: Doubles) -> float:
        """Return the weighted logarithmic loss of a fit."""
        logits = np.clip(self.features @ weights, -_MAX_LOGIT, _MAX_LOGIT)
        return float(self.weights @ (np.logaddexp(0.0, logits) - self.labels * logits))


def fit_calibration(pairs: Pairs | None, background: Background, prior: Prior) -> Calibration:
    """Fit the most probable calibration of some pairs, given the prior.

    It is a logistic regression with normal priors. Offset and slope are drawn to the prior, and the
    weights on the query's vector to 0. A handful of queries changes little, none changes nothing.

    Args:
        pairs: From the catalog; None for none.
        background: The catalog's, in whose units the prior is.
        prior: For this kind of query.
    """
    if pairs is None or not len(pairs) or not np.isfinite(pairs.scores).any():
        return _in_cosines(np.array([prior.offset, prior.slope]), np.empty(0), background, 0)
    from threadpoolctl import threadpool_limits

    none = np.empty((0, pairs.queries.shape[1]))
    # BLAS threads gain nothing here; on a busy machine they make the fit take 40 times as long.
    with threadpool_limits(1, "blas"):
        axes = _principal_axes(pairs.queries) if len(pairs) >= _MIN_QUERIES else none
        spread = _choose_spread(pairs, axes, background, prior) if len(axes) else 0.0
        axes = axes if spread else none
        weights = _fit(_Design.of(pairs, axes, background), spread, prior)
    direction = axes.T @ weights[2:] if len(axes) else np.empty(0)
    return _in_cosines(weights, direction, background, len(pairs))


def _principal_axes(queries: FloatArray) -> Doubles:
    """Return `[axes, dim]` directions along which the queries differ most, from the origin."""
    exact = queries.astype(np.float64)
    _, lengths, axes = np.linalg.svd(exact, full_matrices=False)
    kept = axes[: min(_AXES, int((lengths > _LEAST_SPREAD * lengths[0]).sum()))]
    # The sign of a singular vector is arbitrary: fix it by its largest component.
    largest = np.abs(kept).argmax(axis=1)
    signs = np.sign(kept[np.arange(len(kept)), largest])
    return np.asarray(kept * signs[:, np.newaxis])


def _choose_spread(pairs: Pairs, axes: Doubles, background: Background, prior: Prior) -> float:
    """Choose the prior of the weights on the query's vector, by cross-validation over queries."""
    folds = np.arange(len(pairs)) % _FOLDS
    losses = []
    for spread in _DIRECTION_SDS:
        used = axes if spread else axes[:0]
        loss = 0.0
        for fold in range(_FOLDS):
            train = _Design.of(pairs.some(folds != fold), used, background)
            validation = _Design.of(pairs.some(folds == fold), used, background)
            loss += validation.loss(_fit(train, spread, prior))
        losses.append(loss)
    return _DIRECTION_SDS[int(np.argmin(losses))]


def _fit(design: _Design, spread: float, prior: Prior) -> Doubles:
    """Return offset, slope and weights along the axes, the slope held above 0."""
    from scipy.optimize import minimize

    count = design.features.shape[1]
    mean, sd = np.zeros(count), np.full(count, spread)
    mean[:2] = prior.offset, prior.slope
    sd[:2] = _OFFSET_SD, _SLOPE_SD * prior.slope

    def objective(deviations: Doubles) -> tuple[float, Doubles]:
        """Return the negative log posterior, and its gradient, in deviations from the prior."""
        logits = design.features @ (mean + sd * deviations)
        loss = design.weights @ (np.logaddexp(0.0, logits) - design.labels * logits)
        errors = design.weights * (sigmoid(logits) - design.labels)
        gradient = sd * (errors @ design.features) + deviations
        return float(loss + 0.5 * deviations @ deviations), gradient

    bounds: list[tuple[float | None, float | None]] = [(None, None)] * count
    bounds[1] = (_LEAST_SLOPE - 1) / _SLOPE_SD, None
    # L-BFGS-B stalls at this bound: offset and slope are strongly correlated.
    found = minimize(
        objective,
        np.zeros(count),
        jac=True,
        method="SLSQP",
        bounds=bounds,
        options={"ftol": _TOLERANCE, "maxiter": _STEPS},
    )
    return np.asarray(mean + sd * found.x, np.float64)


def _in_cosines(
    weights: Doubles, direction: Doubles, background: Background, queries: int
) -> Calibration:
    """Return a calibration of cosines from weights in the background's standard deviations."""

    def rounded(number: float) -> float:
        return float(f"{number:.{_DIGITS}g}")

    offset, slope = weights[:2].tolist()
    per_cosine = slope / background.sd
    return Calibration(
        offset=rounded(offset - per_cosine * background.mean),
        slope=rounded(per_cosine),
        direction=tuple(rounded(number) for number in direction.tolist()),
        queries=queries,
    )
