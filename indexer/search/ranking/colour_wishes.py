"""What a query's colours ask for: points with weights, and how well products fulfil them together.

The fit of a product is the product of probabilities, each to the power of its weight: for a wanted
colour the confidence of its match, and for an unwanted one the rest to 1. Relevance to the query's
words and pictures is one more such factor. The greatest of all the exponents is made 1, so that at
equal weights the result is the probability that everything holds, if it is independent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.colours import ColourPoint, colour_matching, colour_point, names_many_colours
from indexer.index import Segment
from indexer.search.query import Query

__all__ = ["ColourWishes", "Fit", "Rows"]

Rows = NDArray[np.int64]

# Exponent of an unwanted colour at weight 1: who excludes a colour minds it more than who wants one
# minds another (docs/colours.md).
_REFUSAL = 2.0

# Names of fields that say what colour a product has.
_OF_COLOURS = re.compile("colou?r", re.IGNORECASE)


@dataclass(frozen=True)
class Fit:
    """How well some products fulfil the wishes, `[n]` each.

    Attributes:
        match: How well the one wanted colour matches, 0 to 1; the probability where there is not
            exactly one.
        probability: The product of the probabilities of all wishes, 0 to 1.
        images: The row of the image that matches the first wanted colour best.
    """

    match: NDArray[np.float64]
    probability: NDArray[np.float64]
    images: Rows


@dataclass(frozen=True)
class ColourWishes:
    """The colours that count for the order of hits.

    Attributes:
        points: The colours; the first is the one that the query is about, if any is wanted.
        weights: The exponent of each, negative for an unwanted one.
        relevance: The exponent of the relevance to the rest of the query.
    """

    points: tuple[ColourPoint, ...]
    weights: tuple[float, ...]
    relevance: float

    @classmethod
    def of(cls, query: Query) -> ColourWishes | None:
        """Return the wishes of a query; None where colours don't count for its order.

        Raises:
            QueryError: A colour is not known.
        """
        if not query.ordered_by_colour:
            return None
        wishes: list[tuple[str, float]] = []
        relevance = 0.0 if query.by_colour_alone else 1.0
        if query.colour is not None:
            weight = 1.0 if query.by_colour_alone else query.colour.effective_weight
            wishes.append((query.colour.colour, weight))
            relevance *= 1.0 - weight
        wishes += [(part.colour, part.weight) for part in query.colours]
        wishes = sorted((wish for wish in wishes if wish[1]), key=lambda wish: wish[1] < 0)
        greatest = max([relevance, *(abs(weight) for _, weight in wishes)])
        return cls(
            tuple(colour_point(colour) for colour, _ in wishes),
            tuple(weight / greatest for _, weight in wishes),
            relevance / greatest,
        )

    def fit(self, segment: Segment, rows: Rows) -> Fit:
        """Compute how well some products of a segment, whose colours are measured, fulfil them."""
        probability, matches = np.ones(len(rows)), []
        for point, weight in zip(self.points, self.weights, strict=True):
            match, images = _match(segment, point, rows)
            has_it = colour_matching().confidence(match)
            probability *= has_it**weight if weight > 0 else (1 - has_it) ** (_REFUSAL * -weight)
            matches.append((match, images))
        one = len(matches) == 1 and self.weights[0] > 0
        match, images = matches[0]
        return Fit(match.astype(np.float64) if one else probability, probability, images)


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
