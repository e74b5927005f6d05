"""Calibrations of one catalog's index, fitted without the queries that they are tested with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, encode_many_texts
from indexer.calibration import (
    HITS,
    PRIORS,
    Calibration,
    LabelledPairs,
    draw_pairs,
    fit_calibration,
    value_of,
)
from indexer.index import Index, Match
from indexer.storage import QueryKind
from scripts.evaluation.search.calibration.reliability import Predictions

__all__ = ["CatalogFit", "Fit", "IsRight", "Probe", "has_value", "probes_of_field"]

_FOLDS = 5
# Values of a field that are searched for, at most.
_MOST_VALUES = 400

IsRight = Callable[[Match], bool]


class Fit(StrEnum):
    """How confidence is fitted: as a build does it, or with less, to compare."""

    WHOLE = "whole"
    COSINE = "cosine"  # without the query's own vector: Platt's calibration
    PRIOR = "prior"  # without the catalog's queries: its background alone


@dataclass(frozen=True)
class Probe:
    """A query that confidence is tested with.

    Attributes:
        vector: `[dim]`.
        is_right: Whether a hit is what the query means.
        fold: The fold of the fit's queries that mean the same and must not be used.
    """

    vector: FloatArray
    is_right: IsRight
    fold: int = -1


@dataclass(frozen=True)
class CatalogFit:
    """An index with the pairs that its confidence is fitted to, and the encoder."""

    index: Index
    encoder: Encoder
    drawn: LabelledPairs

    @classmethod
    def of(cls, index: Index, encoder: Encoder) -> CatalogFit:
        """Draw the pairs of an index."""
        return cls(index, encoder, draw_pairs(index, encoder))

    def calibration(
        self, kind: QueryKind, kept: NDArray[np.bool_] | None = None, fit: Fit = Fit.WHOLE
    ) -> Calibration:
        """Fit a calibration; `kept` says which of the catalog's text queries take part."""
        pairs = None if fit is Fit.PRIOR else self.drawn.pairs[kind]
        if kept is not None and pairs is not None:
            others = np.ones(len(pairs) - len(kept), np.bool_)
            pairs = pairs.some(np.concatenate([kept, others]))
        if pairs is not None and fit is Fit.COSINE:
            pairs = replace(pairs, queries=np.zeros_like(pairs.queries))
        return fit_calibration(pairs, self.drawn.backgrounds[kind], PRIORS[kind])

    def predict(
        self, kind: QueryKind, probes: Sequence[Probe], fit: Fit = Fit.WHOLE
    ) -> Predictions:
        """Search for every probe; return the confidence of the hits, and which are right.

        Confidence is fitted anew for each fold of text queries, without the catalog's queries of
        that fold.
        """
        folds = kind is QueryKind.TEXT
        fitted = {
            fold: self.calibration(kind, self._outside(fold) if folds else None, fit)
            for fold in {probe.fold for probe in probes}
        }
        predicted, right = [], []
        for probe in probes:
            hits = self.index.search(probe.vector, HITS)
            scores = np.array([hit.score for hit in hits])
            predicted.append(fitted[probe.fold].of(probe.vector, scores))
            right.append(np.array([probe.is_right(hit) for hit in hits]))
        return Predictions.of(predicted, right)

    def _outside(self, fold: int) -> NDArray[np.bool_]:
        """Return which of the catalog's text queries mean nothing of a fold."""
        return np.array(
            [
                all(_fold_of(value) != fold for value in (text, *wanted.values()))
                for text, wanted in zip(self.drawn.texts, self.drawn.wanted, strict=True)
            ]
        )

    def highest(self, kind: QueryKind, vectors: FloatArray) -> NDArray[np.float64]:
        """Return the confidence of the best hit of each query, `[n]`."""
        calibration = self.calibration(kind)
        best = [self.index.search(vector, 1)[0].score for vector in vectors]
        return np.array(
            [calibration.of(v, np.array([s]))[0] for v, s in zip(vectors, best, strict=True)]
        )


def probes_of_field(fit: CatalogFit, name: str) -> list[Probe]:
    """Return a probe for each value of a field, at most 400; hits with the value are right."""
    values = [value_of(v) for s in fit.index.segments for v in s.field_table[name].to_pylist()]
    rng = np.random.default_rng(3)
    distinct = sorted(set(values) - {""})
    if len(distinct) > _MOST_VALUES:
        chosen = sorted(rng.choice(len(distinct), _MOST_VALUES, replace=False))
        distinct = [distinct[place] for place in chosen]
    vectors = encode_many_texts(fit.encoder, distinct)
    return [
        Probe(vector, has_value(name, value), _fold_of(value))
        for value, vector in zip(distinct, vectors, strict=True)
    ]


def has_value(name: str, value: str) -> IsRight:
    """Return a test of whether a hit has a value in a field."""
    return lambda hit: value_of(hit.fields.get(name)) == value


def _fold_of(value: str) -> int:
    """Return the fold of a field's value or of a query's words."""
    return hashlib.sha256(value.encode()).digest()[0] % _FOLDS
