"""Re-ranking by colour: the best candidates in order of relevance and colour together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.colours import LabArray, colour_of
from indexer.index import Found, Index
from indexer.search.query import Query, SearchMode

__all__ = ["COLOUR_DEPTH", "Ranking", "ordered_by_colour"]

Ranking = Callable[[int], Sequence[Found]]
"""Returns the first n products of a query's order. A greater n only appends to them."""

COLOUR_DEPTH = 500
"""How many products of a ranking are re-ranked by colour; those after them keep their places."""


def ordered_by_colour(index: Index, query: Query, ranking: Ranking) -> Ranking:
    """Re-rank the first `COLOUR_DEPTH` products by relevance and colour similarity together.

    Both are scaled to 0 to 1 and weighted. Colour similarity is `ProductColours.nearness`.
    Relevance is the cosine in vector mode, and the rank in the other modes.

    Args:
        index: The generation that answers.
        query: Names the colour and its weight. Without a colour, or at weight 0, the ranking
            is returned unchanged.
        ranking: The order to change.
    """
    wanted = query.colour
    if wanted is None or not wanted.effective_weight:
        return ranking
    lab, weight = colour_of(wanted.colour), wanted.effective_weight

    def reordered(count: int) -> list[Found]:
        found = list(ranking(max(count, COLOUR_DEPTH)))
        pool, rest = found[:COLOUR_DEPTH], found[COLOUR_DEPTH:]
        score = (1 - weight) * _relevance(pool, query.mode)
        score += weight * _colour_similarity(index, pool, lab)
        order = np.argsort(-score, kind="stable").tolist()
        return [*(pool[place] for place in order), *rest][:count]

    return reordered


def _relevance(pool: Sequence[Found], mode: SearchMode) -> NDArray[np.float64]:
    if mode is not SearchMode.VECTOR:
        return np.linspace(1, 0, len(pool))
    scores = np.array([hit.score for hit in pool])
    spread = scores.max(initial=-1) - scores.min(initial=1)
    return (scores - scores.min(initial=1)) / spread if spread > 0 else np.zeros(len(pool))


def _colour_similarity(index: Index, pool: Sequence[Found], lab: LabArray) -> NDArray[np.float64]:
    similarity = np.zeros(len(pool))
    of_segment = np.array([hit.segment for hit in pool], np.int64)
    rows = np.array([hit.row for hit in pool], np.int64)
    for number, segment in enumerate(index.segments):
        here = of_segment == number
        if segment.product_colours is not None and here.any():
            similarity[here] = segment.product_colours.nearness(rows[here], lab)
    return similarity
