"""Rankings by colour: all products by a colour alone, or the best candidates re-ranked by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.colours import ColourPoint, colour_matching, colour_point, names_many_colours
from indexer.index import Found, Index, Segment
from indexer.retrieval import Predicate, checkpoint
from indexer.search.query import Query, SearchMode
from indexer.storage import Mask

__all__ = ["COLOUR_DEPTH", "ColourRanking", "Ranking", "ordered_by_colour"]

Ranking = Callable[[int], Sequence[Found]]
"""Returns the first n products of a query's order. A greater n only appends to them."""

COLOUR_DEPTH = 500
"""How many products of a ranking are re-ranked by colour; those after them keep their places."""


Rows = NDArray[np.int64]

# Names of fields that say what colour a product has.
_OF_COLOURS = re.compile("colou?r", re.IGNORECASE)


class ColourRanking:
    """The products of an index by how well they match a colour; ties in the order of rows.

    The score of a product is its match (`ProductColours.match`), 0 to 1.

    Args:
        index: The generation that answers; all of its colours are measured.
        point: The colour.
        where: Which products may be found; all by default.
    """

    def __init__(self, index: Index, point: ColourPoint, where: Predicate | None) -> None:
        self._index = index
        self._point = point
        self._where = where

    def __call__(self, count: int) -> list[Found]:
        """Return the first `count` products."""
        scores, segments, rows, images = self._all
        return [
            Found(*place)
            for place in zip(
                scores[:count].tolist(),
                segments[:count].tolist(),
                rows[:count].tolist(),
                images[:count].tolist(),
                strict=True,
            )
        ]

    def surer_than(self, least: float) -> list[Mask]:
        """Return for each segment a mask over its products: those of this confidence at least."""
        scores, segments, rows, _ = self._all
        sure = colour_matching().confidence(scores) >= least
        masks = [np.zeros(len(segment.alive), np.bool_) for segment in self._index.segments]
        for number, mask in enumerate(masks):
            mask[rows[sure & (segments == number)]] = True
        return masks

    @cached_property
    def _all(self) -> tuple[NDArray[np.float32], Rows, Rows, Rows]:
        """Scores, segments, rows and images of all products, best first."""
        parts = []
        for number, segment in enumerate(self._index.segments):
            checkpoint()
            rows = np.flatnonzero(segment.products_where(self._where))
            scores, images = _match(segment, self._point, rows)
            parts.append((scores, np.full(len(rows), number), rows, images))
        scores, segments, rows, images = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(-scores, kind="stable")
        return scores[order], segments[order], rows[order], images[order]


def ordered_by_colour(index: Index, query: Query, ranking: Ranking) -> Ranking:
    """Re-rank the first `COLOUR_DEPTH` products by relevance and colour together.

    Both are scaled to 0 to 1 and weighted. Colour counts by `ProductColours.match`. Relevance is
    the cosine in vector mode, and the rank in the other modes.

    Args:
        index: The generation that answers.
        query: Names the colour and its weight. Without a colour, or at weight 0, the ranking
            is returned unchanged.
        ranking: The order to change.
    """
    wanted = query.colour
    if wanted is None or not wanted.effective_weight:
        return ranking
    point, weight = colour_point(wanted.colour), wanted.effective_weight

    def reordered(count: int) -> list[Found]:
        found = list(ranking(max(count, COLOUR_DEPTH)))
        pool, rest = found[:COLOUR_DEPTH], found[COLOUR_DEPTH:]
        score = (1 - weight) * _relevance(pool, query.mode)
        score += weight * _matches(index, pool, point)
        order = np.argsort(-score, kind="stable").tolist()
        return [*(pool[place] for place in order), *rest][:count]

    return reordered


def _relevance(pool: Sequence[Found], mode: SearchMode) -> NDArray[np.float64]:
    if mode is not SearchMode.VECTOR:
        return np.linspace(1, 0, len(pool))
    scores = np.array([hit.score for hit in pool])
    spread = scores.max(initial=-1) - scores.min(initial=1)
    return (scores - scores.min(initial=1)) / spread if spread > 0 else np.zeros(len(pool))


def _matches(index: Index, pool: Sequence[Found], point: ColourPoint) -> NDArray[np.float64]:
    matches = np.zeros(len(pool))
    of_segment = np.array([hit.segment for hit in pool], np.int64)
    rows = np.array([hit.row for hit in pool], np.int64)
    for number, segment in enumerate(index.segments):
        here = of_segment == number
        if here.any():
            matches[here], _ = _match(segment, point, rows[here])
    return matches


def _match(segment: Segment, point: ColourPoint, rows: Rows) -> tuple[NDArray[np.float32], Rows]:
    """Return the matches of some products of a segment, and the images that they are of.

    Many colours are also what the catalog says of a product: one that its fields call so matches by
    more than half, others by less.
    """
    colours = segment.product_colours
    assert colours is not None, "`with_colour` refuses an index without colours"
    everything = np.array_equal(rows, np.arange(colours.products))
    matches, images = colours.match(point, None if everything else rows)
    if point.lab is None:
        matches = (matches + _stating_many(segment, rows)) / np.float32(2)
    return matches, images


def _stating_many(segment: Segment, rows: Rows) -> NDArray[np.float32]:
    """Return 1 for each product that a field of colours calls many-coloured, and else 0."""
    table = segment.field_table
    fields = table.select([name for name in table.column_names if _OF_COLOURS.search(name)])
    stated = np.zeros(len(rows), np.float32)
    for column in fields.take(rows).columns:
        for row, value in enumerate(column.to_pylist()):
            values = value if isinstance(value, list) else [value]
            if any(isinstance(one, str) and names_many_colours(one) for one in values):
                stated[row] = 1
    return stated
