"""Comparison of vectors with those of float32."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.benchmarks.build.vectors import (
    compare_vectors,
    neighbours,
    overlap,
    precision_at_10,
)


def circle(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_neighbours_are_the_nearest_others() -> None:
    rows = circle([0.0, 1.0, 3.0, *(20.0 + at for at in range(12))])
    found = neighbours(rows)
    assert found.shape == (15, 10)
    assert found[0][:3].tolist() == [1, 2, 3]
    assert all(row not in near for row, near in enumerate(found.tolist()))


def test_overlap_counts_neighbours_in_any_order() -> None:
    assert overlap(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [3, 5]])) == 0.75


def test_precision_is_the_share_of_neighbours_with_the_same_label() -> None:
    rows = circle([*(at / 10 for at in range(11)), *(90 + at / 10 for at in range(11))])
    assert precision_at_10(rows, ["shirt"] * 11 + ["shoe"] * 11) == 1.0
    assert precision_at_10(rows, ["shirt"] * 22) == 1.0
    assert precision_at_10(rows, [str(at) for at in range(22)]) == 0.0


def test_equal_vectors_lose_nothing_and_mixed_ones_do() -> None:
    rows = circle([*(at / 10 for at in range(11)), *(90 + at / 10 for at in range(11))])
    kinds = ["shirt"] * 11 + ["shoe"] * 11
    same = {each.name: each for each in compare_vectors(rows, rows, kinds, "")}
    assert same["vectors_median_cosine"].value == pytest.approx(1.0)
    assert same["vectors_top_10_overlap"].value == 1.0
    assert same["vectors_precision_lost"].value == 0.0
    assert all(each.ok is not False for each in same.values())
    mixed = {each.name: each for each in compare_vectors(rows, rows[::-1].copy(), kinds, "")}
    assert mixed["vectors_median_cosine"].ok is False
    shuffled = rows[[at // 2 + 11 * (at % 2) for at in range(22)]]
    worse = {each.name: each for each in compare_vectors(rows, shuffled, kinds, "")}
    assert worse["vectors_precision_lost"].ok is False
