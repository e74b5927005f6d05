"""Pages of hits: a ranking thinned out and grouped first, and cut into pages then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.index import Found, Index, index_kind
from indexer.search.by_colour import COLOUR_POOL, Ranking
from indexer.search.hybrid import DEPTH
from indexer.search.query import Query, SearchMode
from indexer.search.ranking.diversity import POOL, diverse_order
from indexer.search.ranking.grouping import group_places
from indexer.storage import IndexKind

__all__ = ["DEEPEST", "Chosen", "Surety", "choose"]

Surety = Callable[[FloatArray], NDArray[np.float64]]
"""Confidence, 0 to 1, of cosines."""

DEEPEST = 20_000
"""How far down a ranking a page is looked for whose hits are few, because they are not sure enough
or because they fall into few groups."""

# With groups so many products are looked at for the first page, to tell what else is in them.
_FIRST_LOOK = 128
_FURTHER = 4
_STRETCHES = (64, 256, 1024, 4096, 16_384)


@dataclass(frozen=True)
class Chosen:
    """A hit of a page.

    Attributes:
        found: The product.
        confidence: Of the product; None where the index can't tell.
        others: The other products of its group, best first, as far down as was looked.
    """

    found: Found
    confidence: float | None = None
    others: tuple[Found, ...] = ()


def choose(index: Index, query: Query, ranking: Ranking, sure: Surety | None) -> list[Chosen]:
    """The hits of a query's page: from `offset` on, `k` of them unless there are no more.

    In this order: the ranking is made diverse, hits that are not sure enough are left out, the
    others are grouped, and the groups are counted off into pages.

    Args:
        index: The generation that answers.
        query: What page, and of what.
        ranking: All products that may be found.
        sure: How sure hits are; None where the index can't tell.
    """
    end = query.offset + query.k
    deepest = max(end, DEEPEST)
    depth = max(
        _steady(index, end), POOL if query.diversity else 0, _FIRST_LOOK if query.group else 0
    )
    while True:
        found = _diverse(index, query, ranking(depth))
        shares = None if sure is None else sure(_scores(found)).tolist()
        kept = list(range(len(found)))
        if shares is not None:
            kept = [place for place in kept if shares[place] >= query.min_confidence]
        groups = group_places(index, [found[place] for place in kept], query.group)
        ended = len(found) < depth or depth >= deepest or _only_worse_follow(query, found, kept)
        if ended or len(groups) >= end:
            break
        depth = min(_FURTHER * depth, deepest)
    page = []
    for group in groups[query.offset : end]:
        first, *others = (kept[member] for member in group)
        share = None if shares is None else shares[first]
        page.append(Chosen(found[first], share, tuple(found[place] for place in others)))
    return page


def _steady(index: Index, end: int) -> int:
    """How far to look for the first `end` products, the same for the pages of a stretch.

    An approximate index finds a little more the further it looks, so that pages each looked for by
    themselves miss products and repeat others: 170 of 12,000 with IVF-PQ.
    """
    if index_kind(index.manifest) == IndexKind.FLAT:
        return end
    return next((depth for depth in _STRETCHES if depth >= end), end)


def _diverse(index: Index, query: Query, found: Sequence[Found]) -> list[Found]:
    """Hits in the order of `diversity`; those after the first `POOL` keep their places."""
    pool, rest = found[:POOL], found[POOL:]
    if not query.diversity or len(pool) < 2:
        return list(found)
    # Only the vector's scores are in the order of the hits; elsewhere their places count.
    by_score = query.mode is SearchMode.VECTOR and not _by_colour(query)
    relevance = _scores(pool) if by_score else -np.arange(len(pool), dtype=np.float32)
    vectors = index.image_vectors(pool)
    return [*(pool[place] for place in diverse_order(relevance, vectors, query.diversity)), *rest]


def _only_worse_follow(query: Query, found: Sequence[Found], kept: Sequence[int]) -> bool:
    """Whether no product further down the ranking can be sure enough.

    Confidence falls with the cosine, and after the places that words or diversity decide about,
    rankings are in the order of cosines, except those by keywords.
    """
    if query.mode is SearchMode.KEYWORD:
        return False
    by_vector_from = max(2 * DEPTH if query.mode is SearchMode.HYBRID else 0,
                         POOL if query.diversity else 0,
                         COLOUR_POOL if _by_colour(query) else 0)  # fmt: skip
    return len(found) > by_vector_from and (not kept or kept[-1] < len(found) - 1)


def _by_colour(query: Query) -> bool:
    return query.colour is not None and query.colour.strength > 0


def _scores(found: Sequence[Found]) -> FloatArray:
    """Cosines; stored vectors are rounded, so that one can come out a little above 1."""
    return np.clip(np.array([hit.score for hit in found], np.float32), -1.0, 1.0)
