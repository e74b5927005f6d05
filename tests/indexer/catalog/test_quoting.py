from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog import quote_for_message


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "'plain'"),
        ("it's", '"it\'s"'),
        ("two\nlines\t\x1b[31m", r"'two\nlines\t\x1b[31m'"),
        ("\ud800", r"'\ud800'"),
        ("x" * 80, f"'{'x' * 80}'"),
        ("x" * 81, f"'{'x' * 80}'..."),
    ],
)
def test_foreign_text_becomes_one_short_line(text: str, quoted: str) -> None:
    assert quote_for_message(text) == quoted


@given(st.text())
def test_foreign_text_is_shown_in_one_printable_line(text: str) -> None:
    assert quote_for_message(text).isprintable()
