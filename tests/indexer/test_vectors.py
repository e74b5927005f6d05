from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer import vectors
from indexer.vectors import MappedVectors


def test_every_half_is_read_as_the_number_that_it_is(tmp_path: Path) -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(-1, 2)
    np.save(tmp_path / "v.npy", halves)
    taken = MappedVectors(tmp_path / "v.npy").take(np.arange(len(halves)))
    np.testing.assert_array_equal(taken, halves.astype(np.float32))
    assert taken.dtype == np.float32


def test_mapped_pages_given_back_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_SMALL_FILE", 0)
    monkeypatch.setattr(vectors, "_ROWS_MAPPED", 10)
    stored = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float16)
    np.save(tmp_path / "v.npy", stored)
    mapped = MappedVectors(tmp_path / "v.npy")
    for start in range(0, 5000, 7):
        rows = np.arange(start, min(start + 7, 5000))
        np.testing.assert_array_equal(mapped.take(rows), stored[rows].astype(np.float32))
