"""Rows by key, with keys that collide."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.storage import Lookup, content_key, content_keys, id_key, id_keys


def test_lookups_find_every_row_of_a_key(tmp_path: Path) -> None:
    keys = np.array([7, 2**64 - 1, 7, 0, 3], np.uint64)
    Lookup.write(tmp_path / "l.npy", keys)
    for lookup in (Lookup.open(tmp_path / "l.npy"), Lookup.of(keys)):
        assert len(lookup) == 5
        assert lookup.rows(7) == [0, 2]
        assert lookup.rows(2**64 - 1) == [1]
        assert lookup.rows(0) == [3]
        assert lookup.rows(5) == []


@pytest.mark.parametrize(
    "table", [np.zeros(3), np.zeros((2, 3)), np.zeros((3, 2), np.uint64), np.zeros(2, np.uint64)]
)
def test_another_file_is_not_a_lookup(tmp_path: Path, table: np.ndarray) -> None:
    np.save(tmp_path / "other.npy", table)
    with pytest.raises(ValueError, match=r"other\.npy is not a valid key-lookup file"):
        Lookup.open(tmp_path / "other.npy")


@given(st.lists(st.integers(0, 9)))
def test_lookups_agree_with_a_scan(keys: list[int]) -> None:
    lookup = Lookup.of(np.array(keys, np.uint64))
    for key in range(10):
        assert lookup.rows(key) == [row for row, own in enumerate(keys) if own == key]


def test_keys_one_by_one_and_together() -> None:
    assert id_keys(["a", "é", ""]).tolist() == [id_key("a"), id_key("é"), id_key("")]
    hashes = [hashlib.sha256(bytes([n])).digest() for n in range(5)]
    together = content_keys(np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32))
    assert together.tolist() == [content_key(sha256) for sha256 in hashes]
