"""Judging of a map on products that it did not learn from, by what a search would find with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray

__all__ = ["WEIGHTS", "Fold", "Measure", "Scores", "above_chance", "worth_of_texts"]

WEIGHTS = (0.25, 0.5, 1.0, 2.0, 8.0)
"""Lengths of the map's part beside the vector's own, to choose from."""

# Queries of one measure in one fold.
_TITLES = 400
_VALUES = 150
_PICTURES = 300
_TOP = 10
# A value is asked for, and a picture is a query, where so many products share the value.
_SHARED_BY = 3
_LEAST_LENGTH = 1e-9


@dataclass(frozen=True)
class Fold:
    """Products that a map did not learn from.

    Attributes:
        vectors: `[n, dim]` unit vectors by the model.
        mapped: `[n, dim]` what the map makes of their features, centred, of mean square length 1.
        titles: Their titles; empty for none.
        values: By field, the value of each product; empty for none.
        groups: `[n]` groups: a product's own group is no answer to its picture.
    """

    vectors: FloatArray
    mapped: FloatArray
    titles: Sequence[str]
    values: Mapping[str, Sequence[str]]
    groups: NDArray[np.int64]


@dataclass
class Measure:
    """The queries of one measure.

    Attributes:
        before: The score of each by the model's own vectors, 0 to 1.
        after: `[weights]` lists of the same by adapted vectors.
        owners: What queries must not count twice: the group of a picture, the text of a query.
    """

    before: list[float] = field(default_factory=list)
    after: list[list[float]] = field(default_factory=lambda: [[] for _ in WEIGHTS])
    owners: list[str] = field(default_factory=list)

    def add(self, before: FloatArray, after: Sequence[FloatArray], owners: Sequence[str]) -> None:
        """Append queries."""
        self.before += before.tolist()
        for kept, new in zip(self.after, after, strict=True):
            kept.extend(new.tolist())
        self.owners += owners

    def differences(self, weight: int) -> NDArray[np.float64]:
        """Return the gain of each owner by a weight, averaged over its queries."""
        apart = np.array(self.after[weight]) - np.array(self.before)
        numbers = np.unique(np.array(self.owners), return_inverse=True)[1]
        return np.bincount(numbers, apart) / np.bincount(numbers)


@dataclass
class Scores:
    """Measures by name, over all folds."""

    measures: dict[str, Measure] = field(default_factory=dict)

    def judge(self, fold: Fold, texts: Mapping[str, FloatArray], rng: np.random.Generator) -> None:
        """Ask the products of a fold for titles, values and products of the same kind.

        Args:
            fold: The products.
            texts: The unit vector of every title and value.
            rng: Draws the queries.
        """
        spaces = _Spaces(fold)
        self._titles(fold, spaces, texts, rng)
        for name, values in fold.values.items():
            shared = {v for v, count in Counter(values).items() if v and count >= _SHARED_BY}
            if all(value in texts for value in shared):
                self._values(name, values, sorted(shared), spaces, texts, rng)
            self._pictures(name, values, shared, fold, spaces, rng)

    def _titles(
        self,
        fold: Fold,
        spaces: _Spaces,
        texts: Mapping[str, FloatArray],
        rng: np.random.Generator,
    ) -> None:
        asked = _drawn(sorted({title for title in fold.titles if title}), _TITLES, rng)
        if not asked:
            return
        titles = np.array(fold.titles)
        own = np.array([title == titles for title in asked])
        queries = np.stack([texts[title] for title in asked])
        before, *after = (_gain(scores, own) for scores in spaces.of_texts(queries))
        self._measure("title -> product").add(before, after, asked)

    def _values(
        self,
        name: str,
        values: Sequence[str],
        shared: Sequence[str],
        spaces: _Spaces,
        texts: Mapping[str, FloatArray],
        rng: np.random.Generator,
    ) -> None:
        asked = _drawn(shared, _VALUES, rng)
        if not asked:
            return
        found = np.array(values)
        right = np.array([found == value for value in asked])
        queries = np.stack([texts[value] for value in asked])
        before, *after = (_precision(scores, right) for scores in spaces.of_texts(queries))
        self._measure(f"{name} -> product").add(before, after, asked)

    def _pictures(
        self,
        name: str,
        values: Sequence[str],
        shared: set[str],
        fold: Fold,
        spaces: _Spaces,
        rng: np.random.Generator,
    ) -> None:
        rows = np.array([row for row, value in enumerate(values) if value in shared], np.int64)
        rows = np.sort(rng.permutation(rows)[:_PICTURES])
        found = np.array(values)
        barred = fold.groups[rows][:, None] == fold.groups
        right = (found[rows][:, None] == found) & ~barred
        asked = right.any(axis=1)
        if not asked.any():
            return
        rows, barred, right = rows[asked], barred[asked], right[asked]
        before, *after = (
            _precision(np.where(barred, -np.inf, scores), right)
            for scores in spaces.of_products(rows)
        )
        owners = [str(group) for group in fold.groups[rows].tolist()]
        self._measure(f"picture -> same {name}").add(before, after, owners)

    def _measure(self, name: str) -> Measure:
        return self.measures.setdefault(name, Measure())


class _Spaces:
    """The products of a fold by their own vectors, and by those of each weight."""

    def __init__(self, fold: Fold) -> None:
        adapted = (_unit(fold.vectors + weight * fold.mapped) for weight in WEIGHTS)
        self._products = [fold.vectors, *adapted]

    def of_texts(self, queries: FloatArray) -> list[FloatArray]:
        """Return the cosines of texts `[m, n]` in each space."""
        return [queries @ rows.T for rows in self._products]

    def of_products(self, rows: NDArray[np.int64]) -> list[FloatArray]:
        """Return the cosines of some of the products `[m, n]` in each space."""
        return [space[rows] @ space.T for space in self._products]


def worth_of_texts(fold: Fold, texts: Mapping[str, FloatArray]) -> float:
    """Return how well titles and values find products by the map alone, 0 to 1."""
    products = _unit(fold.mapped)
    worth = []
    for values in [fold.titles] if any(fold.titles) else [*fold.values.values()]:
        found = np.array(values)
        asked = sorted({value for value in values if value in texts})[:_TITLES]
        if asked:
            right = np.array([found == value for value in asked])
            scores = np.stack([texts[value] for value in asked]) @ products.T
            worth.append(float(_gain(scores, right).mean()))
    return float(np.mean(worth)) if worth else 0.0


def above_chance(
    fold: Fold, rows: FloatArray, texts: Mapping[str, FloatArray]
) -> NDArray[np.float64]:
    """Return how far titles find their products, above what chance gives, `[m]`.

    Titles that were dealt to wrong pictures find nothing: the result is 0 but for noise.

    Args:
        fold: The products.
        rows: `[n, dim]` their vectors: by the model, or what the map makes of their features.
        texts: The unit vector of every title.
    """
    asked = sorted({title for title in fold.titles if title})[: 2 * _TITLES]
    if not asked:
        return np.empty(0)
    titles = np.array(fold.titles)
    own = np.array([title == titles for title in asked])
    scores = np.stack([texts[title] for title in asked]) @ _unit(rows).T
    # The mean of a rank's worth over all products is what a random order gives.
    worth = 1 / np.log2(np.arange(len(titles)) + 2)
    above = [
        worth[_ranks(line)[mine]].mean() - worth.mean()
        for line, mine in zip(scores, own, strict=True)
    ]
    return np.array(above)


def _ranks(scores: FloatArray) -> NDArray[np.int64]:
    ranks = np.empty(len(scores), np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return ranks


def _gain(scores: FloatArray, own: NDArray[np.bool_]) -> FloatArray:
    """Return 1 / log2(2 + rank) of the best own product, its rank from 0; ties count against it."""
    best = np.where(own, scores, -np.inf).max(axis=1, keepdims=True)
    ranks = ((scores >= best) & ~own).sum(axis=1)
    return np.asarray(1 / np.log2(ranks + 2), np.float32)


def _precision(scores: FloatArray, right: NDArray[np.bool_]) -> FloatArray:
    """Return the share of right products among the first ten, or as many as there are."""
    most = min(_TOP, scores.shape[1])
    first = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    ordered = np.take_along_axis(
        first, np.argsort(-np.take_along_axis(scores, first, 1), axis=1), 1
    )
    hits = np.take_along_axis(right, ordered, 1)
    counts = np.minimum(right.sum(axis=1), most)
    shown = np.arange(most) < counts[:, None]
    return np.asarray((hits & shown).sum(axis=1) / counts, np.float32)


def _drawn(texts: Sequence[str], most: int, rng: np.random.Generator) -> list[str]:
    return [texts[place] for place in np.sort(rng.permutation(len(texts))[:most])]


def _unit(rows: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, _LEAST_LENGTH), np.float32)
