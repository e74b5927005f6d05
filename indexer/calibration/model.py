"""Confidence: the probability that a hit is what its query asked for.

The model is a logistic one (Platt 1999) of the cosine and of the query's own vector, one for each
kind of query. It is fitted when an index is built: see `docs/confidence.md`.
"""

from __future__ import annotations

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
    "Doubles",
    "Prior",
    "sigmoid",
]

Doubles = NDArray[np.float64]

# Standard deviations of cosines below this are rounding: the cosines are equal.
_LEAST_SD = 1e-3
# Log-odds are clipped to this: probabilities beyond are the same to a reader, and exp() is finite.
_MAX_LOGIT = 30.0


@dataclass(frozen=True)
class Background:
    """Cosines of a catalog's images to texts or images that no shop's catalog contains.

    Attributes:
        mean: Their mean.
        sd: Their standard deviation, above 0.
    """

    mean: float
    sd: float

    @classmethod
    def of(cls, cosines: NDArray[np.floating[Any]]) -> Background:
        """Return the background of some cosines; of one or none, or of equal ones, sd is 1."""
        if cosines.size <= 1:
            return cls(0.0, 1.0)
        sd = float(cosines.std())
        return cls(float(cosines.mean()), sd if sd > _LEAST_SD else 1.0)


@dataclass(frozen=True)
class Prior:
    """The expected log-odds before a catalog is seen: `offset + slope * z`.

    `z` is the cosine less the background's mean, in the background's standard deviations.
    """

    offset: float
    slope: float


PRIORS: Mapping[QueryKind, Prior] = {
    QueryKind.TEXT: Prior(-9.0, 2.1),
    QueryKind.IMAGE: Prior(-5.3, 1.05),
    QueryKind.MIXED: Prior(-5.25, 1.08),
}
"""Fitted for `compact` on the training parts of three catalogs, by `scripts/bench search --part
priors`."""


@dataclass(frozen=True)
class Calibration:
    """Log-odds that a hit is right: `offset + slope * score + direction . query`.

    Attributes:
        offset: Log-odds at cosine 0.
        slope: Log-odds per unit of cosine, above 0, so that a nearer hit is never less sure.
        direction: `[dim]`, whose product with the query's vector is added; empty for nothing.
        queries: How many queries of the catalog it was fitted to; 0 for the prior alone.
    """

    offset: float
    slope: float
    direction: tuple[float, ...] = ()
    queries: int = 0

    def logits(self, queries: FloatArray, scores: NDArray[np.floating[Any]]) -> Doubles:
        """Return the log-odds of `scores [n, k]` for `queries [n, dim]`."""
        shift = queries.astype(np.float64) @ np.array(self.direction) if self.direction else 0.0
        own = np.broadcast_to(np.asarray(shift, np.float64), (len(queries),))
        return np.asarray(self.offset + self.slope * scores + own[:, np.newaxis], np.float64)

    def of(self, query: FloatArray, scores: NDArray[np.floating[Any]]) -> Doubles:
        """Return confidences, 0 to 1, of cosines `scores [k]` to a unit vector `query [dim]`."""
        return sigmoid(self.logits(query[np.newaxis], np.asarray(scores)[np.newaxis])[0])


@dataclass(frozen=True)
class Confidence:
    """The calibrations of an index, one for each kind of query.

    Attributes:
        kinds: By kind of query; all kinds are present.
        same: The field by whose value hits of queries with images are right; empty where only the
            product itself is right.
    """

    kinds: Mapping[QueryKind, Calibration]
    same: str = ""

    def of(self, kind: QueryKind, query: FloatArray, scores: NDArray[np.floating[Any]]) -> Doubles:
        """Return the probabilities, 0 to 1, that hits are what the query asked for.

        They fall with the score, and depend on the query and the score alone: not on a filter, and
        not on the number of hits.

        Args:
            kind: What the query is made of.
            query: `[dim]` unit vector.
            scores: `[k]` cosines.
        """
        return self.kinds[kind].of(query, scores)


def sigmoid(logits: Doubles) -> Doubles:
    """Return probabilities of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_MAX_LOGIT, _MAX_LOGIT))), np.float64)
