"""Rankings by colour: all products by colours alone, or the best candidates re-ranked by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.index import Found, Index
from indexer.retrieval import Predicate, checkpoint
from indexer.search.ranking.colour_wishes import ColourWishes, Rows
from indexer.storage import Mask

__all__ = ["COLOUR_DEPTH", "ColourRanking", "Ranking", "Relevance", "ordered_by_colour"]

Ranking = Callable[[int], Sequence[Found]]
"""Returns the first n products of a query's order. A greater n only appends to them."""

Relevance = Callable[[Sequence[Found]], NDArray[np.float64]]
"""Returns the probabilities, 0 to 1, that hits are what the query says, colours apart, `[n]`."""

COLOUR_DEPTH = 1000
"""How many products of a ranking are re-ranked by colour; those after them keep their places."""

# Rank at which relevance is taken for a half where only ranks are known. Of 20, 60, 200 and linear
# ones, this finds most products of a wanted type and colour (docs/colours.md).
_HALF_RANK = 200
# Keeps the logarithm of a relevance finite.
_LEAST = 1e-12


class ColourRanking:
    """The products of an index by how well they fulfil wishes; ties in the order of rows.

    The score of a product is `Fit.match`, 0 to 1.

    Args:
        index: The generation that answers; all of its colours are measured.
        wishes: The colours.
        where: Which products may be found; all by default.
    """

    def __init__(self, index: Index, wishes: ColourWishes, where: Predicate | None) -> None:
        self._index = index
        self._wishes = wishes
        self._where = where

    def __call__(self, count: int) -> list[Found]:
        """Return the first `count` products."""
        return [
            Found(*place)
            for place in zip(*(column[:count].tolist() for column in self._all), strict=True)
        ]

    def surer_than(self, least: float) -> list[Mask]:
        """Return for each segment a mask over its products: those of this confidence at least."""
        _, segments, rows, _, probabilities = self._all
        sure = probabilities >= least
        masks = [np.zeros(len(segment.alive), np.bool_) for segment in self._index.segments]
        for number, mask in enumerate(masks):
            mask[rows[sure & (segments == number)]] = True
        return masks

    @cached_property
    def _all(self) -> tuple[NDArray[np.float64], Rows, Rows, Rows, NDArray[np.float64]]:
        """Scores, segments, rows, images and probabilities of all products, best first."""
        parts = []
        for number, segment in enumerate(self._index.segments):
            checkpoint()
            rows = np.flatnonzero(segment.products_where(self._where))
            fit = self._wishes.fit(segment, rows)
            numbers = np.full(len(rows), number)
            parts.append((fit.match, numbers, rows, fit.images, fit.probability))
        match, numbers, rows, images, probability = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        order = np.argsort(-match, kind="stable")
        return match[order], numbers[order], rows[order], images[order], probability[order]


def ordered_by_colour(
    index: Index, wishes: ColourWishes, ranking: Ranking, relevance: Relevance | None
) -> Ranking:
    """Re-rank the first `COLOUR_DEPTH` products by relevance and colours together.

    Args:
        index: The generation that answers.
        wishes: The colours, and how much relevance counts beside them.
        ranking: The order to change.
        relevance: Gives the relevance of hits; None where only their rank is known.
    """

    def reordered(count: int) -> list[Found]:
        found = _with_colour(index, ranking(max(count, COLOUR_DEPTH)), wishes)
        pool, rest = found[:COLOUR_DEPTH], found[COLOUR_DEPTH:]
        by_rank = _HALF_RANK / (_HALF_RANK + np.arange(len(pool)))
        relevant = by_rank if relevance is None else relevance(pool)
        logs = wishes.relevance * np.log(np.maximum(relevant, _LEAST))
        logs += np.log(np.maximum([hit.colour for hit in pool], _LEAST))
        order = np.argsort(-logs, kind="stable").tolist()
        return [*(pool[place] for place in order), *rest][:count]

    return reordered


def _with_colour(index: Index, found: Sequence[Found], wishes: ColourWishes) -> list[Found]:
    """Return hits with the probability of their colours."""
    colours = np.ones(len(found))
    of_segment = np.array([hit.segment for hit in found], np.int64)
    rows = np.array([hit.row for hit in found], np.int64)
    for number, segment in enumerate(index.segments):
        here = of_segment == number
        if here.any():
            colours[here] = wishes.fit(segment, rows[here]).probability
    return [replace(hit, colour=one) for hit, one in zip(found, colours.tolist(), strict=True)]
