from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indexer.storage import (
    Lookup,
    RowSet,
    content_key,
    content_keys,
    format_ranges,
    id_key,
    id_keys,
    parse_ranges,
)

masks = hnp.arrays(np.bool_, st.integers(0, 80))


@given(masks)
def test_ranges_come_back_as_they_were(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(parse_ranges(format_ranges(mask), len(mask)), mask)


def test_ranges_are_readable() -> None:
    mask = np.zeros(50, np.bool_)
    mask[[3, 7, 8, 9, 49]] = True
    assert format_ranges(mask) == "3 7-9 49"


@pytest.mark.parametrize("text", ["x", "5", "3-2", "-1", "0-5", "1--2", "0 99"])
def test_ranges_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ranges(text, 5)


@given(masks)
def test_a_row_set_agrees_with_itself(mask: np.ndarray) -> None:
    rows = RowSet(mask)
    assert rows.count == len(rows.rows) == mask.sum()
    unpacked = np.unpackbits(rows.bits, bitorder="little")[: len(mask)].astype(bool)
    np.testing.assert_array_equal(unpacked, mask)


def test_lookups_find_every_row_of_a_key(tmp_path: Path) -> None:
    keys = np.array([7, 2**64 - 1, 7, 0, 3], np.uint64)
    Lookup.write(tmp_path / "l.npy", keys)
    for lookup in (Lookup.open(tmp_path / "l.npy"), Lookup.of(keys)):
        assert len(lookup) == 5
        assert lookup.rows(7) == [0, 2]
        assert lookup.rows(2**64 - 1) == [1]
        assert lookup.rows(0) == [3]
        assert lookup.rows(5) == []
    np.save(tmp_path / "other.npy", np.zeros(3))
    with pytest.raises(ValueError):
        Lookup.open(tmp_path / "other.npy")


def test_keys_one_by_one_and_together() -> None:
    assert id_keys(["a", "é", ""]).tolist() == [id_key("a"), id_key("é"), id_key("")]
    hashes = [hashlib.sha256(bytes([n])).digest() for n in range(5)]
    together = content_keys(np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32))
    assert together.tolist() == [content_key(sha256) for sha256 in hashes]
