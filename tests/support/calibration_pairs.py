"""Labelled pairs whose probabilities are known."""

from __future__ import annotations

import numpy as np

from indexer.calibration import Background, Calibration, Pairs, Prior

__all__ = ["BACKGROUND", "DIM", "PRIOR", "draw_pairs", "predict"]

BACKGROUND = Background(0.05, 0.1)
PRIOR = Prior(-4.0, 1.0)
DIM = 16


def draw_pairs(
    queries: int, offset: float, slope: float, direction: np.ndarray | None = None, seed: int = 0
) -> tuple[Pairs, np.ndarray]:
    """Pairs that are right with `sigmoid(offset + slope * score + direction . query)`; and that."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(queries, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = rng.uniform(0.1, 0.7, (queries, 20))
    shift = 0.0 if direction is None else (vectors @ direction)[:, np.newaxis]
    probabilities = 1 / (1 + np.exp(-(offset + slope * scores + shift)))
    labels = rng.random(probabilities.shape) < probabilities
    weights = np.ones(queries)
    pairs = Pairs(vectors.astype(np.float32), scores.astype(np.float32), labels, weights)
    return pairs, probabilities


def predict(calibration: Calibration, pairs: Pairs) -> np.ndarray:
    """The confidences of all pairs, `[n, k]`."""
    rows = zip(pairs.queries, pairs.scores, strict=True)
    return np.array([calibration.of(query, scores) for query, scores in rows])
