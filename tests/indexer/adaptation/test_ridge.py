"""Ridge regressions: those of scikit's textbook, with a fold left out and without a second pass."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.adaptation.ridge import FoldedRidge, Scaling, standardised


def textbook(inputs: np.ndarray, targets: np.ndarray, penalty: float) -> np.ndarray:
    """Hoerl and Kennard 1970: with an intercept, which is not penalised."""
    inputs, targets = inputs - inputs.mean(axis=0), targets - targets.mean(axis=0)
    gram = inputs.T @ inputs + penalty * len(inputs) * np.eye(inputs.shape[1])
    return np.linalg.solve(gram, inputs.T @ targets)


@pytest.mark.parametrize("without", [None, 0, 2])
def test_weights_are_those_of_the_products_that_are_left(without: int | None) -> None:
    rng = np.random.default_rng(0)
    features = (10 * rng.normal(size=(5000, 7))).astype(np.float16)
    targets = rng.normal(size=(5000, 3)).astype(np.float32) + features[:, :3]
    folds = rng.integers(0, 3, 5000)
    ridge = FoldedRidge(features, targets, folds)
    rows = np.flatnonzero(folds != (-1 if without is None else without))
    inputs = standardised(features[rows], ridge.scaling).astype(np.float64)
    for penalty, weights in zip((0.1, 2.0), ridge.solve([0.1, 2.0], without), strict=True):
        np.testing.assert_allclose(weights, textbook(inputs, targets[rows], penalty), atol=1e-3)
        some = np.array([3, 4500])
        np.testing.assert_allclose(
            ridge.mapped(some, weights), standardised(features[some], ridge.scaling) @ weights
        )


def test_features_are_roots_with_their_sign_of_deviation_one() -> None:
    features = np.array([[4.0, -9.0, 1.0], [16.0, -1.0, 1.0], [0.0, 4.0, 1.0]], np.float16)
    scaling = Scaling.of(features)
    np.testing.assert_allclose(scaling.mean, [2, -2 / 3, 1], atol=1e-6)
    rows = standardised(features, scaling)
    np.testing.assert_allclose(rows[:, :2].std(axis=0), [1, 1], atol=1e-5)
    assert np.isfinite(rows).all()  # also of a feature that never varies
    assert np.abs(standardised(1e4 * features.astype(np.float32), scaling)).max() <= 6
