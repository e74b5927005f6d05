"""Sets of rows, and their form in manifests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indexer.storage import RowSet, format_ranges, parse_ranges

masks = hnp.arrays(np.bool_, st.integers(0, 80))


@given(masks)
def test_ranges_come_back_as_they_were(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(parse_ranges(format_ranges(mask), len(mask)), mask)


def test_ranges_are_readable() -> None:
    mask = np.zeros(50, np.bool_)
    mask[[3, 7, 8, 9, 49]] = True
    assert format_ranges(mask) == "3 7-9 49"


@pytest.mark.parametrize("text", ["x", "5", "3-2", "-1", "0-5", "1--2", "0 99"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rows|invalid literal"):
        parse_ranges(text, 5)


@given(masks)
def test_a_row_set_agrees_with_itself(mask: np.ndarray) -> None:
    rows = RowSet(mask)
    assert rows.count == len(rows.rows) == mask.sum()
    unpacked = np.unpackbits(rows.bits, bitorder="little")[: len(mask)].astype(bool)
    np.testing.assert_array_equal(unpacked, mask)
