"""Refused rows: each names its column and its value, where one value is the problem."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.catalog import BadRow, open_catalog


def refused(path: Path) -> BadRow:
    (bad,) = [row for row in open_catalog(path).rows() if isinstance(row, BadRow)]
    return bad


@pytest.mark.case(10)
@pytest.mark.parametrize(
    ("row", "reason", "column", "value"),
    [
        ("2,none.jpg,5", "image_not_found", "image", "none.jpg"),
        ('2,"a.jpg|b.jpg|c.jpg",5', "image_not_found", "image", "c.jpg"),
        ('2,"[1, {}]",5', "bad_image", "image", "[1, {}]"),
        ("2,ftp://x/y.jpg,5", "unsupported_scheme", "image", "ftp://x/y.jpg"),
        ("1,a.jpg,5", "duplicate_id", "id", "1"),
        (f"{'x' * 600},a.jpg,5", "id_too_long", "id", "x" * 200 + "..."),
        ("2\x07,a.jpg,5", "bad_id", "id", "2\\x07"),
        ("2,a.jpg,nan", "nan", "n", "nan"),
        ("2,,5", "no_image", None, None),
        ("2,a.jpg", "ragged_row", None, None),
    ],
)
def test_cells(shop: Path, row: str, reason: str, column: str | None, value: str | None) -> None:
    path = shop / "c.csv"
    path.write_text(f"id,image,n\n1,a.jpg,5\n{row}\n3,b.jpg,7\n")
    bad = refused(path)
    assert (bad.line, bad.reason, bad.column, bad.value) == (3, reason, column, value)


@pytest.mark.parametrize(
    ("item", "reason", "column", "value"),
    [
        ({"image": 7}, "bad_image", "image", "7"),
        ({"id": True, "image": "a.jpg"}, "bad_id", "id", "True"),
        ({"image": "a.jpg", "x": {"a": 1}, "x.a": 2}, "bad_value", "x", "{'a': 1}"),
        ({"image": ["a.jpg", "none.jpg"]}, "image_not_found", "image", "none.jpg"),
    ],
)
def test_items(shop: Path, item: dict[str, object], reason: str, column: str, value: str) -> None:
    path = shop / "c.jsonl"
    good = {"id": "1", "image": "a.jpg"}
    path.write_text(f"{json.dumps(good)}\n{json.dumps({'id': '2', **item})}\n")
    bad = refused(path)
    assert (bad.reason, bad.column, bad.value) == (reason, column, value)
