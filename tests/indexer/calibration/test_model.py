"""Confidences of a calibration, and the background it is in units of."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.calibration import Background, Calibration
from tests.support.calibration_pairs import DIM


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=30),
    st.floats(-50, 50),
    st.floats(1e-3, 1e3),
    st.integers(0, 10),
)
def test_confidence_is_a_probability_and_keeps_the_order(
    scores: list[float], offset: float, slope: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    calibration = Calibration(offset, slope, tuple(rng.normal(size=DIM).tolist()))
    query = rng.normal(size=DIM).astype(np.float32)
    found = calibration.of(query, np.sort(scores)[::-1])
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) <= 0).all()


def test_the_background_of_nothing_or_of_equal_cosines_changes_nothing() -> None:
    assert Background.of(np.empty((0, 4))) == Background(0.0, 1.0)
    assert Background.of(np.full((2, 2), 0.5)) == Background(0.5, 1.0)
