"""Search by colour: products that have it, or those first that come nearest to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.colours import LabArray, colour_of, colour_table
from indexer.errors import QueryError
from indexer.index import Found, Index
from indexer.retrieval import And, HasColour, Predicate
from indexer.search.query import Query, SearchMode, TextPart, WantedColour

__all__ = ["COLOUR_POOL", "Ranking", "colour_alone", "coloured", "with_colour"]

Ranking = Callable[[int], Sequence[Found]]
"""The first so many products of a query's order, which does not change with their number."""

COLOUR_POOL = 500
"""How many products of a ranking are put in order by their colour too; those after keep theirs."""


def colour_alone(wanted: WantedColour) -> tuple[TextPart, WantedColour]:
    """What is searched for where nothing is given but a colour: its name, ordered by colour alone.

    Raises:
        QueryError: There is no such colour.
    """
    table = colour_table()
    name = table.names[int(table.named(colour_of(wanted.colour)))]
    return TextPart(name), replace(wanted, weight=1.0 if wanted.weight is None else wanted.weight)


def with_colour(index: Index, query: Query, where: Predicate | None) -> Predicate | None:
    """A query's filter, with its colour where that is one, after both were checked.

    Raises:
        QueryError: There is no such colour, a number is out of range, or the index holds no
            colours.
    """
    wanted = query.colour
    if wanted is None:
        return where
    _check_numbers(wanted)
    lightness, a, b = colour_of(wanted.colour).tolist()
    if any(segment.product_colours is None for segment in index.segments):
        raise QueryError(
            "This index was built before colours were measured; run `lookalike index merge` on it "
            "once, or build it again."
        )
    if wanted.within is None:
        return where
    has = HasColour((lightness, a, b), wanted.within, wanted.share)
    return has if where is None else And((where, has))


def _check_numbers(wanted: WantedColour) -> None:
    if wanted.within is not None and not 0 < wanted.within <= 100:
        raise QueryError("colour_within is a difference of colours, above 0 and up to 100.")
    if not 0 < wanted.share <= 1:
        raise QueryError("colour_share is a part of the product, above 0 and up to 1.")
    if not 0 <= wanted.strength <= 1:
        raise QueryError("colour_weight is a share, from 0 to 1.")


def coloured(index: Index, query: Query, ranking: Ranking) -> Ranking:
    """A ranking whose first `COLOUR_POOL` products are in order of its own and of colour together.

    Both are brought to 0 to 1 and weighed: nearness of colour as `ProductColours` has it,
    and the cosine between the least and the greatest of the pool, or in other modes than by vector
    the place. Without a colour in the query, or where it has no weight, the ranking as it was.
    """
    wanted = query.colour
    if wanted is None or not wanted.strength:
        return ranking
    lab, strength = colour_of(wanted.colour), wanted.strength

    def ranked(count: int) -> list[Found]:
        found = list(ranking(max(count, COLOUR_POOL)))
        pool, rest = found[:COLOUR_POOL], found[COLOUR_POOL:]
        worth = (1 - strength) * _relevance(pool, query.mode)
        worth += strength * _nearness(index, pool, lab)
        order = np.argsort(-worth, kind="stable").tolist()
        return [*(pool[place] for place in order), *rest][:count]

    return ranked


def _relevance(pool: Sequence[Found], mode: SearchMode) -> NDArray[np.float64]:
    if mode is not SearchMode.VECTOR:
        return np.linspace(1, 0, len(pool))
    scores = np.array([hit.score for hit in pool])
    spread = scores.max(initial=-1) - scores.min(initial=1)
    return (scores - scores.min(initial=1)) / spread if spread > 0 else np.zeros(len(pool))


def _nearness(index: Index, pool: Sequence[Found], lab: LabArray) -> NDArray[np.float64]:
    near = np.zeros(len(pool))
    of_segment = np.array([hit.segment for hit in pool], np.int64)
    rows = np.array([hit.row for hit in pool], np.int64)
    for number, segment in enumerate(index.segments):
        here = of_segment == number
        if segment.product_colours is not None and here.any():
            near[here] = segment.product_colours.nearness(rows[here], lab)
    return near
