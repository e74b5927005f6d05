"""Learning: from a catalog's pictures and words to a map, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.adaptation.judging import (
    WEIGHTS,
    Fold,
    Measure,
    Scores,
    above_chance,
    worth_of_texts,
)
from indexer.adaptation.lessons import Lessons, kind_fields, titles_teach
from indexer.adaptation.map import AdaptationMap
from indexer.adaptation.ridge import FoldedRidge

__all__ = ["TITLE", "Gain", "Learned", "learn"]

TITLE = "title"
"""Names the title among the fields to learn from, whatever its column is called."""

_FOLDS = 3
# A title says all that there is to say; a field, one thing.
_WEIGHTS_OF_FIELDS = 0.5
# Squared length of a weight against the mean squared error; features have a deviation of 1.
_PENALTIES = (0.1, 0.3, 1.0, 3.0)
# A smaller penalty is taken if its worth is this share of the best one's.
_AS_GOOD = 0.99
_LEAST_PRODUCTS = 60
_LEAST_GROUPS = 30
# Products of one fold that are searched among.
_GALLERY = 2000
# Standard errors. Five weights and a dozen measures are tried, so a gain has to be clear; a loss
# need only be significant.
_CLEAR = 3.0
_SIGNIFICANT = -1.96
# Queries from which a measure can show a gain, and a loss.
_LEAST_FOR_GAIN = 20
_LEAST_FOR_LOSS = 5
# A loss counts for so many gains when weights are compared.
_DREAD = 2.0
_LEAST_LENGTH = 1e-9
_COLOUR = "measured colour"
_UNCLEAR = "what it would gain is not clear, or something would lose"

TextEncoder = Callable[[Sequence[str]], FloatArray]


@dataclass(frozen=True)
class Gain:
    """What a map changes of one measure, on products that it did not learn from.

    Attributes:
        measure: Its name.
        before: The mean by the model's own vectors, 0 to 1.
        after: The mean by adapted vectors.
        queries: Their number.
    """

    measure: str
    before: float
    after: float
    queries: int


@dataclass(frozen=True)
class Learned:
    """The outcome of learning.

    Attributes:
        map: None if the index is better off without.
        reason: Why there is none; empty if there is one.
        fields: What was learned from: `title`, and names of fields.
        products: Number of products learned from.
        weight: Length of the map's part beside the vector's own.
        penalty: Of the regression.
        gains: What was measured; also where that is why there is no map.
    """

    map: AdaptationMap | None
    reason: str = ""
    fields: tuple[str, ...] = ()
    products: int = 0
    weight: float = 0.0
    penalty: float = 0.0
    gains: tuple[Gain, ...] = ()


def learn(
    lessons: Lessons, encode: TextEncoder, fields: Sequence[str] | None = None, seed: int = 0
) -> Learned:
    """Learn a map from features to the text vectors of products' words, if it is worth using.

    It is judged by three-fold cross-validation. It is used only if something gains clearly and
    nothing loses significantly: titles that find their product, values that find products, pictures
    that find others of the same value and of the same measured colour.

    Args:
        lessons: The products.
        encode: Returns the unit vectors of texts.
        fields: What to learn from, `title` among them; by default the title, and what names kinds.
        seed: The same seed and lessons give the same map.
    """
    chosen = _chosen(lessons, fields)
    if not chosen:
        return Learned(None, "no field has words to learn from")
    groups = np.unique(lessons.groups)
    if len(lessons) < _LEAST_PRODUCTS or len(groups) < _LEAST_GROUPS:
        few = f"{len(lessons)} products, {len(groups)} of them different"
        return Learned(None, f"too few products to learn from ({few})", chosen, len(lessons))
    return _Learning(lessons, encode, chosen, seed).run()


def _chosen(lessons: Lessons, fields: Sequence[str] | None) -> tuple[str, ...]:
    if fields is not None:
        return tuple(dict.fromkeys(fields))
    title = (TITLE,) if titles_teach(lessons.titles) else ()
    return (*title, *kind_fields(lessons.kinds))


class _Learning:
    """One run of `learn`."""

    def __init__(
        self, lessons: Lessons, encode: TextEncoder, fields: tuple[str, ...], seed: int
    ) -> None:
        self._lessons = lessons
        self._fields = fields
        self._rng = np.random.default_rng(seed)
        self._values = {
            name: lessons.titles if name == TITLE else lessons.kinds[name] for name in fields
        }
        distinct = sorted({v for values in self._values.values() for v in values if v})
        self._texts = dict(zip(distinct, encode(distinct), strict=True)) if distinct else {}
        self._folds = _folds_of(lessons.groups, self._rng)
        self._ridge = FoldedRidge(lessons.features, self._targets(), self._folds)

    def run(self) -> Learned:
        """Judge by cross-validation, and learn from all products if that is worth it."""
        penalty = self._penalty()
        scores, chances, lengths = Scores(), [], []
        for fold in range(_FOLDS):
            (weights,) = self._ridge.solve([penalty], without=fold)
            held, length = self._held(self._drawn(fold), weights)
            lengths.append(length)
            scores.judge(held, self._texts, self._rng)
            chances.append(
                [above_chance(held, each, self._texts) for each in (held.mapped, held.vectors)]
            )
        found = Learned(None, fields=self._fields, products=len(self._lessons), penalty=penalty)
        if TITLE in self._fields:
            by_map, by_model = (np.concatenate(parts) for parts in zip(*chances, strict=True))
            if not _is_clear(by_map):
                known = _is_clear(by_model)
                return _off(found, _UNCLEAR if known else "the titles do not fit the pictures")
        best = _best_weight(scores)
        if best is None:
            return _off(found, _UNCLEAR, scores)
        (weights,) = self._ridge.solve([penalty])
        scaled = weights * (WEIGHTS[best] / float(np.mean(lengths)))
        return Learned(
            AdaptationMap(self._ridge.scaling, scaled),
            fields=self._fields,
            products=len(self._lessons),
            weight=WEIGHTS[best],
            penalty=penalty,
            gains=_gains(scores, best),
        )

    def _penalty(self) -> float:
        """Return the penalty with which texts find most products of the first fold."""
        tried = self._ridge.solve(_PENALTIES, without=0)
        rows = self._drawn(0)
        worth = [worth_of_texts(self._held(rows, weights)[0], self._texts) for weights in tried]
        # The regression of all products has half as many again to learn from, and needs less.
        good = max(worth) * _AS_GOOD
        return next(each for each, found in zip(_PENALTIES, worth, strict=True) if found >= good)

    def _drawn(self, fold: int) -> NDArray[np.int64]:
        """Return products of a fold, as many as are searched among."""
        rows = np.flatnonzero(self._folds == fold)
        return np.sort(self._rng.permutation(rows)[:_GALLERY])

    def _targets(self) -> FloatArray:
        """Return the sum of the text vectors of each product's words, `[n, dim]`."""
        total = np.zeros(self._lessons.vectors.shape, np.float32)
        for name, values in self._values.items():
            weight = 1.0 if name == TITLE else _WEIGHTS_OF_FIELDS
            given = np.array([bool(value) for value in values])
            if not given.any():
                continue
            rows = np.stack([self._texts[value] for value in values if value])
            total[given] += weight * rows
            total[~given] += weight * rows.mean(axis=0)  # a missing value teaches nothing
        return total

    def _held(self, rows: NDArray[np.int64], weights: FloatArray) -> tuple[Fold, float]:
        """Return products that were left out, and the length of what the map gives for them."""
        lessons = self._lessons
        mapped = self._ridge.mapped(rows, weights)
        mapped -= mapped.mean(axis=0)
        length = float(np.sqrt(np.square(mapped).sum(axis=1).mean())) + _LEAST_LENGTH
        values = {name: [column[row] for row in rows] for name, column in self._judged().items()}
        titles = [lessons.titles[row] if TITLE in self._fields else "" for row in rows]
        vectors = lessons.vectors[rows].astype(np.float32)
        return Fold(vectors, mapped / length, titles, values, lessons.groups[rows]), length

    def _judged(self) -> Mapping[str, Sequence[str]]:
        judged = {name: values for name, values in self._values.items() if name != TITLE}
        if self._lessons.colours:
            judged[_COLOUR] = self._lessons.colours
        return judged


def _folds_of(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Deal groups to folds of about equal size, `[n]`."""
    names, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    # The largest groups first, each to the fold that has least.
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of, filled = np.zeros(len(names), np.int64), np.zeros(_FOLDS)
    for group in order:
        fold_of[group] = int(filled.argmin())
        filled[fold_of[group]] += sizes[group]
    return fold_of[numbers]


def _is_clear(values: NDArray[np.float64]) -> bool:
    return len(values) >= _LEAST_FOR_GAIN and _errors_from_zero(values) >= _CLEAR


def _errors_from_zero(values: NDArray[np.float64]) -> float:
    """Return the mean in standard errors."""
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    return float(values.mean()) / error if error > 0 else float(np.sign(values.mean())) * np.inf


def _best_weight(scores: Scores) -> int | None:
    """Return the place in `WEIGHTS` of the greatest gain; None if none is clear without a loss."""
    best, worth = None, 0.0
    for place in range(len(WEIGHTS)):
        found = [(m, m.differences(place)) for m in scores.measures.values()]
        loses = any(
            len(values) >= _LEAST_FOR_LOSS
            and values.any()
            and _errors_from_zero(values) < _SIGNIFICANT
            for _, values in found
        )
        gains = any(_is_clear(values) for _, values in found if values.any())
        means = np.array([values.mean() for _, values in found])
        total = float(np.where(means < 0, _DREAD * means, means).sum())
        if gains and not loses and total > worth:
            best, worth = place, total
    return best


def _gains(scores: Scores, place: int) -> tuple[Gain, ...]:
    return tuple(_gain(name, measure, place) for name, measure in scores.measures.items())


def _gain(name: str, measure: Measure, place: int) -> Gain:
    before, after = np.mean(measure.before), np.mean(measure.after[place])
    return Gain(name, round(float(before), 4), round(float(after), 4), len(measure.before))


def _off(found: Learned, reason: str, scores: Scores | None = None) -> Learned:
    gains = _gains(scores, 0) if scores is not None else ()
    return Learned(None, reason, found.fields, found.products, 0.0, found.penalty, gains)
