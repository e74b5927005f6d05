"""Recommendations from several liked and disliked products: each liked one votes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings import FloatArray
from indexer.errors import QueryError, UnknownProductError
from indexer.index import Index, Match
from indexer.retrieval import Predicate
from indexer.storage import QueryKind

__all__ = ["Ballot", "Seeds", "check_seeds", "recommend", "tally", "voters"]

# What a place in a voter's list is worth: 1 / (10 + rank), the rank from 1 (reciprocal rank fusion,
# Cormack, Clarke and Buettcher 2009, SIGIR; they took 60 for lists of a thousand). 60 found as
# much, but of fewer tastes; docs/relevance.md has the figures.
_DAMPING = 10
# How far down a voter's list votes are counted; 100 cost half a point of precision, 400 gained none
# for twice the time.
_VOTES = 200
# How far a voter moves away from disliked products (Rocchio 1971; 0.25 cost no precision that could
# be told, 0.5 cost 3 points: docs/relevance.md), and how much the nearest of those count for more.
_AWAY = 0.25
_NEAREST = 0.1

_EXAMPLES = 5


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
class Ballot:
    """A product that got votes.

    Attributes:
        match: With the cosine to the voter that it is nearest to as its score.
        votes: Above 0; more is better.
    """

    match: Match
    votes: float


def check_seeds(index: Index, liked: Iterable[str], disliked: Iterable[str]) -> Seeds:
    """Bring seeds into order; ids given twice count once.

    Raises:
        UnknownProductError: The index lacks some; the message names them.
        QueryError: Nothing is liked, or a product is both liked and disliked.
    """
    seeds = Seeds(tuple(dict.fromkeys(liked)), tuple(dict.fromkeys(disliked)))
    if not seeds.liked:
        raise QueryError(
            "Recommendations need one liked product or more; to dislike alone says nothing about "
            "what to look for."
        )
    both = [product for product in seeds.liked if product in seeds.disliked]
    if both:
        raise QueryError(f"Both liked and disliked: {_named(both)}. Take each out of one list.")
    unknown = [product for product in (*seeds.liked, *seeds.disliked) if product not in index]
    if unknown:
        raise UnknownProductError(f"The index has no product {_named(unknown)}.")
    return seeds


def recommend(index: Index, seeds: Seeds, k: int, where: Predicate | None = None) -> list[Ballot]:
    """The products that get the most votes, best first; seeds are never among them.

    Args:
        index: Where to look.
        seeds: As `check_seeds` gives them.
        k: How many, from 1.
        where: Which products may be found; all by default.
    """
    everyone = {*seeds.liked, *seeds.disliked}
    liked = np.stack([index.vector(product) for product in seeds.liked])
    disliked = np.array([index.vector(product) for product in seeds.disliked], np.float32)
    lists = [
        index.search(
            voter,
            max(k, _VOTES),
            exclude=everyone,
            fields=(),
            where=where,
            kind=QueryKind.IMAGE,
        )
        for voter in voters(liked, disliked.reshape(-1, liked.shape[1]))
    ]
    return tally(lists)[:k]


def voters(liked: FloatArray, disliked: FloatArray) -> FloatArray:
    """The query of each liked product: itself, moved away from disliked ones, mostly near ones.

    Args:
        liked: `[n, dim]` unit vectors.
        disliked: `[m, dim]` unit vectors; m may be 0.

    Returns:
        `[n, dim]` unit vectors.
    """
    if not len(disliked):
        return liked
    shares = np.exp((liked @ disliked.T - 1) / _NEAREST)
    shares /= shares.sum(axis=1, keepdims=True)
    moved = liked - _AWAY * (shares @ disliked)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def tally(lists: Sequence[Sequence[Match]]) -> list[Ballot]:
    """Add up the votes of several lists of hits, each best first.

    Returns:
        Every product once, most votes first; of equal votes the higher score, then the smaller id.
    """
    votes: dict[str, float] = defaultdict(float)
    best: dict[str, Match] = {}
    for hits in lists:
        for rank, match in enumerate(hits, start=1):
            votes[match.id] += 1 / (_DAMPING + rank)
            if match.id not in best or match.score > best[match.id].score:
                best[match.id] = match
    ballots = [Ballot(match, votes[product]) for product, match in best.items()]
    return sorted(ballots, key=lambda one: (-one.votes, -one.match.score, one.match.id))


def _named(products: Sequence[str]) -> str:
    more = f" and {len(products) - _EXAMPLES:,} more" if len(products) > _EXAMPLES else ""
    return ", ".join(map(repr, products[:_EXAMPLES])) + more
