"""Confidence by words: what they add, falling sequences, and the most that a catalog can say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from indexer.calibration import HeldWords, ceiling, confidence_by_words, falling, sigmoid

LOGITS = np.array([-6.0, -1.0, 0.0, 2.0])


def sure(held: int, known: int, count: int) -> np.ndarray:
    return confidence_by_words(LOGITS, HeldWords(np.full(4, held), known, count))


def test_words_that_no_product_has_say_nothing() -> None:
    np.testing.assert_allclose(sure(0, 0, 2), sigmoid(LOGITS))
    np.testing.assert_allclose(sure(0, 0, 0), sigmoid(LOGITS))
    # One word of two is known: whoever has it is as sure as by the vector.
    np.testing.assert_allclose(sure(1, 1, 2), sigmoid(LOGITS))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_more_words_and_nearer_images_are_surer(count: int) -> None:
    rows = [sure(held, count, count) for held in range(count + 1)]
    for row in rows:
        assert (np.diff(row) > 0).all()
    for fewer, more in pairwise(rows):
        assert (more > fewer).all()
    assert (rows[-1] > 0.25).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_falling_is_the_isotonic_regression(values: list[float]) -> None:
    expected = isotonic_regression(values, increasing=False).x
    np.testing.assert_allclose(falling(values), expected, atol=1e-9)


def test_a_catalog_is_no_surer_than_its_size() -> None:
    assert ceiling(0) == 0.5
    assert ceiling(16) == pytest.approx(17 / 18)
    assert ceiling(1_000_000) > 0.99999
