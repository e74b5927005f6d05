"""Stored vectors, read as float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.storage import MappedVectors, vectors


def test_every_half_is_read_as_the_number_that_it_is(tmp_path: Path) -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(-1, 2)
    np.save(tmp_path / "v.npy", halves)
    taken = MappedVectors(tmp_path / "v.npy").take(np.arange(len(halves)))
    np.testing.assert_array_equal(taken, halves.astype(np.float32))
    assert taken.dtype == np.float32


def test_rows_of_large_files_are_read_as_those_of_small_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_MAPPED_BYTES", 0)
    stored = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float16)
    np.save(tmp_path / "v.npy", stored)
    large = MappedVectors(tmp_path / "v.npy")
    for rows in (np.arange(5000), np.array([4999, 0, 4999]), np.empty(0, np.int64)):
        np.testing.assert_array_equal(large.take(rows), stored[rows].astype(np.float32))
    with pytest.raises(IndexError, match=r"a row of .* is not among 5000"):
        large.take(np.array([5000]))
