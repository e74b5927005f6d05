"""Hits of calibration queries: cosines and places of the nearest products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.calibration.queries import value_of
from indexer.index import Index
from indexer.storage import QueryKind

__all__ = ["HITS", "Hits"]

HITS = 20
"""Hits of each query that are used: those of a first page."""


@dataclass(frozen=True)
class Hits:
    """The nearest products to some queries.

    Attributes:
        queries: `[n, dim]`.
        scores: `[n, HITS]` cosines, NaN where there are fewer.
        places: For each query the segment number and product row of its hits; (-1, -1) for none.
    """

    queries: FloatArray
    scores: FloatArray
    places: list[list[tuple[int, int]]]

    @classmethod
    def of(
        cls,
        index: Index,
        queries: FloatArray,
        kind: QueryKind,
        exclude: Sequence[tuple[int, int]] = (),
    ) -> Hits:
        """Search for each query; `exclude` names one product for each that is left out."""
        scores = np.full((len(queries), HITS), np.nan, np.float32)
        places = []
        for row, query in enumerate(queries):
            best = _nearest(index, query, kind, exclude[row] if exclude else None)
            scores[row, : len(best)] = [score for score, _ in best]
            places.append([place for _, place in best] + [(-1, -1)] * (HITS - len(best)))
        return cls(queries, scores, places)

    def some(self, chosen: NDArray[np.bool_]) -> Hits:
        """Return the hits of some queries, given as a mask."""
        places = [places for places, kept in zip(self.places, chosen, strict=True) if kept]
        return Hits(self.queries[chosen], self.scores[chosen], places)

    def values(self, index: Index, name: str) -> NDArray[np.object_]:
        """Return a field's value of every hit, `[n, HITS]` texts."""
        found = np.full((len(self.places), HITS), "", object)
        flat = [place for places in self.places for place in places]
        for number, segment in enumerate(index.segments):
            at = [i for i, (of, _) in enumerate(flat) if of == number]
            rows = [flat[i][1] for i in at]
            unique, back = np.unique(np.array(rows, np.int64), return_inverse=True)
            values = [value_of(v) for v in segment.field_table[name].take(unique).to_pylist()]
            for i, position in zip(at, back, strict=True):
                found[divmod(i, HITS)] = values[position]
        return found


def _nearest(
    index: Index, query: FloatArray, kind: QueryKind, exclude: tuple[int, int] | None
) -> list[tuple[float, tuple[int, int]]]:
    """Return cosine, segment number and product row of the nearest products."""
    best: dict[tuple[int, int], float] = {}
    for number, segment in enumerate(index.segments):
        scores, images = segment.neighbours.search(query, HITS + 1, segment.alive_images, kind)
        for score, image in zip(scores.tolist(), images.tolist(), strict=True):
            # Images come nearest first: the first of a product is its best.
            best.setdefault((number, int(segment.image_product[image])), float(score))
    if exclude is not None:
        best.pop(exclude, None)
    ordered = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [(score, place) for place, score in ordered[:HITS]]
