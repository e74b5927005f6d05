"""Recommendations: votes of the liked products against the mean of Rocchio, and against others.

Made-up shoppers have one to three tastes, a taste being a type, colour, usage and gender that
twenty products or more share. They like three products of each, dislike some of a taste's type in
another colour, and should be shown the other products of their tastes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.search import Seeds, recommend, seed_vectors
from scripts.evaluation.search.setting import Setting, Shelf
from scripts.support.measuring import Measure

__all__ = ["METHODS", "Shopper", "Shoppers", "measure"]

Rows = NDArray[np.int64]

_TASTE = ("article_type", "base_colour", "usage", "gender")
_LEAST = 20
_LIKED = 3
_SHOWN = 20
_SHOPPERS = 150
_CASES = ((1, 0), (2, 0), (3, 0), (1, 3), (2, 2), (3, 3))


@dataclass(frozen=True)
class Shopper:
    """One made-up shopper, by rows of the shelf.

    Attributes:
        liked: Products liked, the same number of each taste.
        disliked: Products disliked.
        tastes: The rest of each taste: what should be shown.
        refused: All products of a disliked one's type and colour.
    """

    liked: Rows
    disliked: Rows
    tastes: tuple[Rows, ...]
    refused: Rows


class Shoppers:
    """Draws shoppers for a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @cached_property
    def _tastes(self) -> list[Rows]:
        rows: dict[tuple[str, ...], list[int]] = {}
        for row, values in enumerate(zip(*map(self._shelf.columns.get, _TASTE), strict=True)):
            rows.setdefault(values, []).append(row)
        return [np.array(found) for _, found in sorted(rows.items()) if len(found) >= _LEAST]

    def draw(self, tastes: int, disliked: int, rng: np.random.Generator) -> Shopper:
        """One shopper."""
        chosen = [self._tastes[at] for at in rng.choice(len(self._tastes), tastes, replace=False)]
        liked = [rng.choice(taste, _LIKED, replace=False) for taste in chosen]
        kinds, colours = (self._shelf.columns[name] for name in ("article_type", "base_colour"))
        wanted = np.concatenate(chosen)
        unwanted: list[int] = []
        for number in range(disliked):
            first = chosen[number % tastes][0]
            others = np.flatnonzero((kinds == kinds[first]) & (colours != colours[first]))
            others = np.setdiff1d(others, [*wanted, *unwanted])
            unwanted += rng.choice(others, min(1, len(others)), replace=False).tolist()
        refused = [
            np.flatnonzero((kinds == kinds[row]) & (colours == colours[row])) for row in unwanted
        ]
        return Shopper(
            np.concatenate(liked),
            np.array(unwanted, np.int64),
            tuple(np.setdiff1d(taste, own) for taste, own in zip(chosen, liked, strict=True)),
            np.setdiff1d(np.concatenate([*refused, np.empty(0, np.int64)]), wanted),
        )


def _mean(away: float) -> Callable[[FloatArray, FloatArray, FloatArray], FloatArray]:
    """Rocchio 1971: the mean of the liked less a share of the mean of the disliked."""

    def scores(shelf: FloatArray, liked: FloatArray, disliked: FloatArray) -> FloatArray:
        query = liked.mean(axis=0)
        if len(disliked):
            query = query - away * disliked.mean(axis=0)
        return shelf @ (query / np.linalg.norm(query))

    return scores


def _nearest(shelf: FloatArray, liked: FloatArray, disliked: FloatArray) -> FloatArray:
    """The greatest cosine to a seed vector."""
    return (seed_vectors(liked, disliked) @ shelf.T).max(axis=0)


def _votes(
    damping: int, away: float | None = None
) -> Callable[[FloatArray, FloatArray, FloatArray], FloatArray]:
    """Reciprocal ranks added up, with another damping or another distance from the disliked."""

    def scores(shelf: FloatArray, liked: FloatArray, disliked: FloatArray) -> FloatArray:
        asked = seed_vectors(liked, disliked) if away is None else _moved(liked, disliked, away)
        ranks = np.argsort(np.argsort(-(asked @ shelf.T), axis=1), axis=1) + 1
        return (1 / (damping + ranks)).sum(axis=0)

    return scores


def _moved(liked: FloatArray, disliked: FloatArray, away: float) -> FloatArray:
    """`indexer.search.recommend.seed_vectors` with another distance."""
    if not len(disliked) or not away:
        return liked
    shares = np.exp((liked @ disliked.T - 1) / 0.1)
    moved = liked - away * (shares / shares.sum(axis=1, keepdims=True)) @ disliked
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


METHODS: Mapping[str, Callable[[FloatArray, FloatArray, FloatArray], FloatArray]] = {
    "mean": _mean(0.25),
    "mean, 0.5 away": _mean(0.5),
    "nearest": _nearest,
    "votes, damping 0": _votes(0),
    "votes, damping 60": _votes(60),
    "votes, not away": _votes(10, 0.0),
    "votes, 0.5 away": _votes(10, 0.5),
}


def _judge(shown: Rows, shopper: Shopper) -> list[float]:
    wanted = np.concatenate(shopper.tastes)
    served = [np.isin(shown, taste).any() for taste in shopper.tastes]
    return [
        float(np.isin(shown, wanted).mean()),
        float(np.mean(served)),
        float(np.isin(shown, shopper.refused).mean()),
    ]


def measure(setting: Setting) -> list[Measure]:
    """Precision@20, share of tastes served and share of refused products, for each method."""
    shelf = setting.everything
    shoppers, rng = Shoppers(shelf), np.random.default_rng(0)
    row_of = {product: row for row, product in enumerate(shelf.ids)}
    measures = []
    for tastes, disliked in _CASES:
        figures: dict[str, list[list[float]]] = {"votes (the engine's)": []}
        for _ in range(setting.limit or _SHOPPERS):
            shopper = shoppers.draw(tastes, disliked, rng)
            seeds = Seeds(
                tuple(shelf.ids[row] for row in shopper.liked),
                tuple(shelf.ids[row] for row in shopper.disliked),
            )
            hits = [hit.found for hit in recommend(shelf.index, seeds, _SHOWN)]
            shown = np.array([row_of[product] for product in shelf.index.ids(hits)])
            figures["votes (the engine's)"].append(_judge(shown, shopper))
            own = np.concatenate([shopper.liked, shopper.disliked])
            for name, method in METHODS.items():
                scores = method(
                    shelf.vectors, shelf.vectors[shopper.liked], shelf.vectors[shopper.disliked]
                )
                order = np.argsort(-scores, kind="stable")
                shown = order[~np.isin(order, own)][:_SHOWN]
                figures.setdefault(name, []).append(_judge(shown, shopper))
        case = f"{tastes} taste(s), {disliked} disliked"
        for name, rows in figures.items():
            precision, served, refused = np.mean(rows, axis=0)
            note = f"tastes served {served:.2f}, refused {refused:.3f}"
            measures.append(Measure(f"recommend, {case}: {name}", float(precision), reason=note))
    return measures
