"""Recommendations: votes of the liked products against Rocchio's mean, and against other methods.

Simulated shoppers have one to three tastes. A taste is a type, colour, usage and gender that at
least twenty products share. A shopper likes three products of each taste, dislikes some products of
the same types in other colours, and should be shown the other products of the tastes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.search import Seeds, recommend, seed_vectors
from scripts.docs.figures import Grid
from scripts.evaluation.search.setting import IndexedCatalog, Setting
from scripts.support.measuring import Measure

__all__ = ["METHODS", "TABLES", "Shopper", "Shoppers", "measure"]

Rows = NDArray[np.int64]
Method = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]

_TASTE = ("article_type", "base_colour", "usage", "gender")
_LEAST = 20
_LIKED = 3
_SHOWN = 20
_SHOPPERS = 150
# Tastes and disliked products of a shopper.
_CASES = ((1, 0), (2, 0), (3, 0), (1, 3), (2, 2), (3, 3))
# As in `indexer.search.recommendation`: the damping of reciprocal ranks, and the cosine's distance
# over which a disliked product's influence falls to 1 / e.
_DAMPING, _NEARNESS = 10, 0.1
_ENGINE = "votes (the engine's)"


@dataclass(frozen=True)
class Shopper:
    """One simulated shopper, by rows of the catalog.

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
    """Draws shoppers of a catalog."""

    def __init__(self, catalog: IndexedCatalog) -> None:
        self._catalog = catalog

    @cached_property
    def _tastes(self) -> list[Rows]:
        columns = [self._catalog.columns[name] for name in _TASTE]
        rows: dict[tuple[str, ...], list[int]] = {}
        for row, values in enumerate(zip(*columns, strict=True)):
            rows.setdefault(values, []).append(row)
        return [np.array(found) for _, found in sorted(rows.items()) if len(found) >= _LEAST]

    def draw(self, tastes: int, disliked: int, rng: np.random.Generator) -> Shopper:
        """Draw one shopper."""
        chosen = [self._tastes[at] for at in rng.choice(len(self._tastes), tastes, replace=False)]
        liked = [rng.choice(taste, _LIKED, replace=False) for taste in chosen]
        kinds, colours = (self._catalog.columns[name] for name in ("article_type", "base_colour"))
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


def _mean(away: float) -> Method:
    """Rocchio 1971: the mean of the liked less a share of the mean of the disliked."""

    def scores(catalog: FloatArray, liked: FloatArray, disliked: FloatArray) -> FloatArray:
        query = liked.mean(axis=0)
        if len(disliked):
            query = query - away * disliked.mean(axis=0)
        return np.asarray(catalog @ (query / np.linalg.norm(query)), np.float32)

    return scores


def _nearest(catalog: FloatArray, liked: FloatArray, disliked: FloatArray) -> FloatArray:
    """Return the greatest cosine to a seed vector."""
    return np.asarray((seed_vectors(liked, disliked) @ catalog.T).max(axis=0), np.float32)


def _votes(damping: int, away: float | None = None) -> Method:
    """Add up reciprocal ranks, with another damping or another distance from the disliked."""

    def scores(catalog: FloatArray, liked: FloatArray, disliked: FloatArray) -> FloatArray:
        moved = seed_vectors(liked, disliked) if away is None else _moved(liked, disliked, away)
        ranks = np.argsort(np.argsort(-(moved @ catalog.T), axis=1), axis=1) + 1
        return np.asarray((1 / (damping + ranks)).sum(axis=0), np.float32)

    return scores


def _moved(liked: FloatArray, disliked: FloatArray, away: float) -> FloatArray:
    """Return what `indexer.search.seed_vectors` returns, with another distance."""
    if not len(disliked) or not away:
        return liked
    shares = np.exp((liked @ disliked.T - 1) / _NEARNESS)
    moved = liked - away * (shares / shares.sum(axis=1, keepdims=True)) @ disliked
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


METHODS: Mapping[str, Method] = {
    "mean": _mean(0.25),
    "mean, 0.5 away": _mean(0.5),
    "nearest": _nearest,
    "votes, damping 0": _votes(0),
    "votes, damping 60": _votes(60),
    "votes, not away": _votes(_DAMPING, 0.0),
    "votes, 0.5 away": _votes(_DAMPING, 0.5),
}


def _case(tastes: int, disliked: int) -> str:
    return f"{tastes} taste(s), {disliked} disliked"


_COLUMNS = {
    _ENGINE: "votes",
    "mean": "mean (Rocchio 1971)",
    "nearest": "nearest liked",
    "votes, damping 60": "votes, 1 / (60 + rank)",
    "votes, not away": "votes, not away",
    "votes, 0.5 away": "votes, 0.5 away",
}
TABLES = tuple(
    Grid(
        f"recommend, {{row}}: {{column}}{suffix}",
        {
            _case(*case): f"{case[0]} taste{'s' if case[0] > 1 else ''}"
            + (f", {case[1]} disliked" if case[1] else "")
            for case in _CASES
            if case[1] or suffix != ", refused"
        },
        _COLUMNS,
        corner,
    )
    for suffix, corner in (
        ("", "precision@20"),
        (", tastes served", "share of tastes with a hit"),
        (", refused", "share of hits of a disliked type and colour"),
    )
)


def _judge(shown: Rows, shopper: Shopper) -> list[float]:
    """Return precision, the share of tastes with a hit, and the share of refused products."""
    wanted = np.concatenate(shopper.tastes)
    served = [np.isin(shown, taste).any() for taste in shopper.tastes]
    return [
        float(np.isin(shown, wanted).mean()),
        float(np.mean(served)),
        float(np.isin(shown, shopper.refused).mean()),
    ]


def measure(setting: Setting) -> list[Measure]:
    """Measure precision@20, tastes served and refused products, for each method."""
    catalog = setting.everything
    shoppers, rng = Shoppers(catalog), np.random.default_rng(0)
    row_of = {product: row for row, product in enumerate(catalog.ids)}
    measures = []
    for tastes, disliked in _CASES:
        figures: dict[str, list[list[float]]] = {name: [] for name in (_ENGINE, *METHODS)}
        for _ in range(setting.limit or _SHOPPERS):
            shopper = shoppers.draw(tastes, disliked, rng)
            seeds = Seeds(
                tuple(catalog.ids[row] for row in shopper.liked),
                tuple(catalog.ids[row] for row in shopper.disliked),
            )
            hits = [hit.found for hit in recommend(catalog.index, seeds, _SHOWN)]
            shown = np.array([row_of[product] for product in catalog.index.ids(hits)])
            figures[_ENGINE].append(_judge(shown, shopper))
            for name, method in METHODS.items():
                figures[name].append(_judge(_shown_by(method, catalog, shopper), shopper))
        for name, rows in figures.items():
            precision, served, refused = np.mean(rows, axis=0).tolist()
            label = f"recommend, {_case(tastes, disliked)}: {name}"
            measures += [
                Measure(label, precision),
                Measure(f"{label}, tastes served", served),
                Measure(f"{label}, refused", refused, better="lower"),
            ]
    return measures


def _shown_by(method: Method, catalog: IndexedCatalog, shopper: Shopper) -> Rows:
    """Return the first products by a method, the liked and disliked ones left out."""
    vectors = catalog.vectors
    scores = method(catalog.searched, vectors[shopper.liked], vectors[shopper.disliked])
    order = np.argsort(-scores, kind="stable")
    own = np.concatenate([shopper.liked, shopper.disliked])
    return order[~np.isin(order, own)][:_SHOWN]
