from __future__ import annotations

import numpy as np

from indexer.tagging.fitting.gate import fit_gate


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_real_images_pass_and_drawn_ones_do_not() -> None:
    rng = np.random.default_rng(0)
    real, drawn = rng.normal(size=(2, 500, 8)) * 0.2
    real[:, 0] += 1
    drawn[:, 1] += 1
    real, drawn = unit(real), unit(drawn)
    gate = fit_gate(real[:400], drawn[:400], 0)
    assert gate is not None
    logits = [rows[400:] @ gate[:-1] + gate[-1] for rows in (real, drawn)]
    assert (logits[0] > 0).mean() > 0.98
    assert (logits[1] < 0).mean() > 0.95
    # The offset leans towards real images: most have log-odds of 4, far from the middle.
    assert np.median(logits[0]) > -np.median(logits[1])


def test_without_drawn_images_there_is_no_gate() -> None:
    assert fit_gate(np.eye(3, dtype=np.float32), np.empty((0, 3), np.float32), 0) is None
