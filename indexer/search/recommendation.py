"""Recommendations from several liked and disliked products: each liked product votes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings import FloatArray
from indexer.errors import QueryError, UnknownProductError
from indexer.index import Found, Index
from indexer.retrieval import Predicate
from indexer.storage import QueryKind

__all__ = ["Candidate", "Seeds", "check_seeds", "fuse", "recommend", "seed_vectors"]

# A place in a liked product's list is worth 1 / (10 + rank), the rank from 1: reciprocal rank
# fusion (Cormack, Clarke and Buettcher 2009, SIGIR; they used 60 for lists of a thousand). With 60
# precision was the same, but hits covered fewer tastes of a shopper; figures are in
# docs/relevance.md.
_RANK_CONSTANT = 10
# Hits that vote in each list. 100 cost half a point of precision; 400 gained nothing for twice the
# time.
_LIST_LENGTH = 200
# How far a liked product's vector moves away from disliked ones (Rocchio 1971). 0.25 cost no
# measurable precision, 0.5 cost 3 points (docs/relevance.md).
_AWAY = 0.25
# Temperature of the softmax over cosines that weights disliked products: near ones count for more.
_TEMPERATURE = 0.1

# Product ids that an error message lists.
_NAMED_IDS = 5


@dataclass(frozen=True)
class Seeds:
    """Products that recommendations start from.

    Attributes:
        liked: Ids, each once, one or more.
        disliked: Ids, each once.
    """

    liked: tuple[str, ...]
    disliked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A product that may be recommended.

    Attributes:
        found: The product, with its greatest cosine to a seed vector as its score.
        votes: Above 0; more is better.
    """

    found: Found
    votes: float


def check_seeds(index: Index, liked: Iterable[str], disliked: Iterable[str]) -> Seeds:
    """Check seeds, and drop repeated ids.

    Raises:
        UnknownProductError: The index lacks some; the message names them.
        QueryError: Nothing is liked, or a product is both liked and disliked.
    """
    seeds = Seeds(tuple(dict.fromkeys(liked)), tuple(dict.fromkeys(disliked)))
    if not seeds.liked:
        raise QueryError(
            "Recommendations need one liked product or more; disliked products alone do not say "
            "what to look for."
        )
    both = [product for product in seeds.liked if product in seeds.disliked]
    if both:
        raise QueryError(f"Both liked and disliked: {_named(both)}. Remove each from one list.")
    unknown = [product for product in (*seeds.liked, *seeds.disliked) if product not in index]
    if unknown:
        raise UnknownProductError(f"The index has no product {_named(unknown)}.")
    return seeds


def recommend(
    index: Index, seeds: Seeds, k: int, where: Predicate | None = None
) -> list[Candidate]:
    """Return the products with the most votes, best first; seeds are never among them.

    Args:
        index: The generation to search.
        seeds: From `check_seeds`.
        k: How many, from 1.
        where: Which products may be found; all by default.
    """
    excluded = {*seeds.liked, *seeds.disliked}
    liked = np.stack([index.query_vector(product) for product in seeds.liked])
    disliked = np.array([index.query_vector(product) for product in seeds.disliked], np.float32)
    lists = [
        index.nearest(
            vector, max(k, _LIST_LENGTH), exclude=excluded, where=where, kind=QueryKind.IMAGE
        )
        for vector in seed_vectors(liked, disliked.reshape(-1, liked.shape[1]))
    ]
    return fuse(index, lists)[:k]


def seed_vectors(liked: FloatArray, disliked: FloatArray) -> FloatArray:
    """Move each liked product's vector away from the disliked ones, most from the nearest.

    Args:
        liked: `[n, dim]` unit vectors.
        disliked: `[m, dim]` unit vectors; m may be 0.

    Returns:
        `[n, dim]` unit vectors, the queries of the liked products.
    """
    if not len(disliked):
        return liked
    shares = np.exp((liked @ disliked.T - 1) / _TEMPERATURE)
    shares /= shares.sum(axis=1, keepdims=True)
    moved = liked - _AWAY * (shares @ disliked)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def fuse(index: Index, lists: Sequence[Sequence[Found]]) -> list[Candidate]:
    """Add up the votes of several lists of hits by reciprocal ranks.

    Args:
        index: The generation that found them.
        lists: Each best first.

    Returns:
        Every product once, most votes first; of equal votes the higher score, then the smaller id.
    """
    votes: dict[tuple[int, int], float] = defaultdict(float)
    best: dict[tuple[int, int], Found] = {}
    for hits in lists:
        for rank, found in enumerate(hits, start=1):
            place = found.segment, found.row
            votes[place] += 1 / (_RANK_CONSTANT + rank)
            if place not in best or found.score > best[place].score:
                best[place] = found
    ids = dict(zip(best, index.ids(list(best.values())), strict=True))
    # Stored vectors are rounded: cosines slightly above 1 are equal.
    ordered = sorted(
        best, key=lambda place: (-votes[place], -min(1, best[place].score), ids[place])
    )
    return [Candidate(best[place], votes[place]) for place in ordered]


def _named(products: Sequence[str]) -> str:
    more = f" and {len(products) - _NAMED_IDS:,} more" if len(products) > _NAMED_IDS else ""
    return ", ".join(map(repr, products[:_NAMED_IDS])) + more
