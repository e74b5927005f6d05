"""Ids: what may be one, and the ledger of those in use."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog import MAX_ID_BYTES, IdLedger, clean_id
from indexer.errors import RowError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (" a\n", "a"),
        ("007", "007"),
        (7, "7"),
        (-7, "-7"),
        (2**70, str(2**70)),
        (7.0, "7"),
        (b"\xc3\xa9", "é"),
        ("\U0001f469\u200d\U0001f527", "\U0001f469\u200d\U0001f527"),
        ("é" * (MAX_ID_BYTES // 2), "é" * (MAX_ID_BYTES // 2)),
    ],
)
def test_values_that_are_ids(value: object, expected: str) -> None:
    assert clean_id(value) == expected


@pytest.mark.case(11)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing_id"),
        ("", "missing_id"),
        (" \t\r\n", "missing_id"),
        (float("nan"), "missing_id"),
        (float("inf"), "bad_id"),
        (1.5, "bad_id"),
        (2.0**60, "bad_id"),
        (True, "bad_id"),
        ([], "bad_id"),
        ("a\0b", "bad_id"),
        ("a\x85b", "bad_id"),
        ("a\x1b[31mb", "bad_id"),
        ("a\ud800", "bad_id"),
        ("a\u2029b", "bad_id"),
        (b"\xff", "bad_utf8"),
        ("é" * (MAX_ID_BYTES // 2) + "x", "id_too_long"),
        ("x" * 10_000_000, "id_too_long"),
    ],
)
def test_values_that_are_none(value: object, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        clean_id(value)
    assert caught.value.reason == reason
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


@pytest.mark.case(11)
@pytest.mark.parametrize("latest", [1, 3, 100_000])
@given(ids=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=40))
def test_the_ledger_names_the_first_line_of_every_id(latest: int, ids: list[str]) -> None:
    with patch("indexer.catalog.product_ids._LATEST", latest), IdLedger() as ledger:
        claimed = [ledger.claim(name, line) for line, name in enumerate(ids)]
    assert claimed == [ids.index(name) for name in ids]
