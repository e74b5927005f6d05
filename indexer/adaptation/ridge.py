"""Ridge regression from features to text vectors, with parts of the products left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray

__all__ = ["FoldedRidge", "Scaling", "standardised"]

# Products whose features are widened to float32 at once.
_BLOCK = 4096
# A feature that hardly varies is divided by this share of the median deviation instead of its own.
_LEAST_DEVIATION = 0.02
# A standardised feature beyond this says no more than that it is extreme.
_MOST = 6.0
_LEAST_LENGTH = 1e-9


class Scaling:
    """Mean and deviation of the roots of features.

    Roots with the sign kept make long-tailed features more even; they are the power normalisation
    of Perronnin, Sanchez and Mensink (2010, ECCV).

    Args:
        mean: `[width]`.
        deviation: `[width]`, above 0.
    """

    def __init__(self, mean: FloatArray, deviation: FloatArray) -> None:
        self.mean, self.deviation = mean, deviation

    @classmethod
    def of(cls, features: NDArray[np.float16]) -> Scaling:
        """Measure features `[n, width]`."""
        count, width = features.shape
        total, squares = np.zeros(width), np.zeros(width)
        for start in range(0, count, _BLOCK):
            roots = _roots(features[start : start + _BLOCK])
            total += roots.sum(axis=0, dtype=np.float64)
            squares += np.square(roots).sum(axis=0, dtype=np.float64)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
        least = _LEAST_DEVIATION * float(np.median(deviation)) + _LEAST_LENGTH
        return cls(mean.astype(np.float32), np.maximum(deviation, least).astype(np.float32))


def standardised(features: NDArray[np.floating], scaling: Scaling) -> FloatArray:
    """Return features `[n, width]` as the regression takes them."""
    rows = (_roots(features) - scaling.mean) / scaling.deviation
    return np.clip(rows, -_MOST, _MOST, out=rows)


class FoldedRidge:
    """Ridge regressions that each leave out one fold of the products.

    The sums of each fold are made once. Those of the rest are the total without them, so that
    cross-validation costs no more passes over the products than one regression.

    Args:
        features: `[n, width]`.
        targets: `[n, dim]`.
        folds: `[n]` the fold of each product, from 0.
    """

    def __init__(
        self, features: NDArray[np.float16], targets: FloatArray, folds: NDArray[np.int64]
    ) -> None:
        self.scaling = Scaling.of(features)
        self._features, self._targets, self._folds = features, targets, folds
        count = int(folds.max()) + 1
        width, dim = features.shape[1], targets.shape[1]
        self._sizes = np.bincount(folds, minlength=count)
        self._grams = np.zeros((count, width, width), np.float32)
        self._products = np.zeros((count, width, dim), np.float32)
        self._sums = np.zeros((count, width), np.float32)
        self._target_sums = np.zeros((count, dim), np.float32)
        for fold in range(count):
            for rows in self._blocks(np.flatnonzero(folds == fold)):
                inputs, outputs = standardised(features[rows], self.scaling), targets[rows]
                self._grams[fold] += inputs.T @ inputs
                self._products[fold] += inputs.T @ outputs
                self._sums[fold] += inputs.sum(axis=0)
                self._target_sums[fold] += outputs.sum(axis=0)

    def solve(self, penalties: Sequence[float], without: int | None = None) -> list[FloatArray]:
        """Return the weights `[width, dim]` of each penalty.

        Args:
            penalties: Squared length of a weight against the mean squared error.
            without: The fold to leave out; by default none.
        """
        kept = np.array([fold for fold in range(len(self._sizes)) if fold != without])
        size = int(self._sizes[kept].sum())
        mean = self._sums[kept].sum(axis=0) / size
        target = self._target_sums[kept].sum(axis=0) / size
        gram = self._grams[kept].sum(axis=0)
        gram -= size * np.outer(mean, mean)
        product = self._products[kept].sum(axis=0) - size * np.outer(mean, target)
        diagonal = np.diag_indices(len(gram))
        found, before = [], 0.0
        for penalty in penalties:
            gram[diagonal] += size * (penalty - before)
            before = penalty
            found.append(np.linalg.solve(gram, product).astype(np.float32))
        return found

    def mapped(self, rows: NDArray[np.int64], weights: FloatArray) -> FloatArray:
        """Return what weights make of some products' features, `[len(rows), dim]`."""
        parts = [
            standardised(self._features[block], self.scaling) @ weights
            for block in self._blocks(rows)
        ]
        return np.concatenate([np.empty((0, weights.shape[1]), np.float32), *parts])

    @staticmethod
    def _blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]


def _roots(features: NDArray[np.floating]) -> FloatArray:
    wide = features.astype(np.float32)
    return np.copysign(np.sqrt(np.abs(wide)), wide)
