"""JSON Lines catalogs: typed values, and the reason of each broken line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from indexer.catalog import BadRow, CatalogRow, open_catalog
from indexer.errors import CatalogError


def read(path: Path, content: bytes) -> list[CatalogRow | BadRow]:
    path.write_bytes(content)
    return list(open_catalog(path).rows())


def test_values_keep_their_types_and_nested_ones_become_fields(shop: Path) -> None:
    product = {
        "id": 7,
        "image": ["a.jpg", "b.jpg"],
        "title": "12",
        "price": 9.5,
        "stock": 3,
        "new": True,
        "gone": None,
        "sizes": ["S", "M"],
        "made": {"in": "Málaga"},
    }
    path = shop / "c.jsonl"
    (row,) = read(path, json.dumps(product).encode())
    assert isinstance(row, CatalogRow)
    assert (row.line, row.id) == (1, "7")
    assert [image.location for image in row.images] == ["a.jpg", "b.jpg"]
    assert row.fields == {
        "title": "12",
        "price": 9.5,
        "stock": 3,
        "new": True,
        "gone": None,
        "sizes": ["S", "M"],
        "made.in": "Málaga",
    }
    assert type(row.fields["new"]) is bool
    assert open_catalog(path).untyped is False
    assert open_catalog(path).count == 1


def test_control_characters_in_a_title_are_kept(shop: Path) -> None:
    (row,) = read(
        shop / "c.ndjson", rb'{"id":"1","image":"a.jpg","t":"a\u0000\u001b<i>\ud83d\ude00"}'
    )
    assert isinstance(row, CatalogRow)
    assert row.fields == {"t": "a\0\x1b<i>\U0001f600"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id":"2","image":"a.jpg","t":"\xff"}', "bad_utf8"),
        (b'{"id":"2","image":"a.jpg"', "bad_json"),
        (b'{"id":"2","image":"a.jpg","p":NaN}', "bad_json"),
        (b'{"id":"2","image":"a.jpg","p":-Infinity}', "bad_json"),
        (b'{"id":"2","image":"a.jpg","p":1e999}', "bad_json"),
        (b'{"id":"2","image":"a.jpg","p":' + b"9" * 5000 + b"}", "bad_json"),
        (b'{"id":"2","image":"a.jpg","id":"3"}', "bad_json"),
        (b'{"id":"2","image":"a.jpg","t":"\\ud800"}', "bad_json"),
        (b'{"id":"2","image":"a.jpg","t":' + b"[" * 200_000 + b"}", "bad_json"),
        (b'{"id":"2","image":"a.jpg","":1}', "bad_json"),
        (b'["2","a.jpg"]', "bad_json"),
        (b"\0", "nul_byte"),
        (b'{"id":"2","image":"a.jpg","t":"' + b"x" * 20_000_000 + b'"}', "row_too_long"),
        (b'{"image":"a.jpg"}', "missing_id"),
        (b'{"id":null,"image":"a.jpg"}', "missing_id"),
        (b'{"id":" ","image":"a.jpg"}', "missing_id"),
        (b'{"id":true,"image":"a.jpg"}', "bad_id"),
        (b'{"id":1.5,"image":"a.jpg"}', "bad_id"),
        (b'{"id":["2"],"image":"a.jpg"}', "bad_id"),
        (b'{"id":"a\\nb","image":"a.jpg"}', "bad_id"),
        (b'{"id":"a\\u2028b","image":"a.jpg"}', "bad_id"),
        (b'{"id":1.0,"image":"a.jpg"}', "duplicate_id"),
        (b'{"id":"2"}', "no_image"),
        (b'{"id":"2","image":""}', "no_image"),
        (b'{"id":"2","image":[]}', "no_image"),
        (b'{"id":"2","image":3}', "bad_image"),
        (b'{"id":"2","image":["a.jpg",null]}', "no_image"),
        (b'{"id":"2","image":"a\\u0000.jpg"}', "bad_path"),
    ],
)
def test_a_bad_line_is_reported_and_the_others_are_read(
    shop: Path, line: bytes, reason: str
) -> None:
    rows = read(
        shop / "c.jsonl",
        b'{"id":"1","image":"a.jpg"}\r\n' + line + b'\n\n{"id":"9","image":"b.jpg"}',
    )
    assert [(row.line, isinstance(row, BadRow)) for row in rows] == [
        (1, False),
        (2, True),
        (4, False),
    ]
    assert isinstance(rows[1], BadRow)
    assert rows[1].reason == reason
    assert rows[1].message.isprintable()


def test_rows_that_each_bring_new_fields_are_stopped(shop: Path) -> None:
    lines = [{"id": i, "image": "a.jpg", f"f{i}": 1} for i in range(2100)]
    rows = read(shop / "c.jsonl", "\n".join(map(json.dumps, lines)).encode())
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert [row.line for row in bad] == list(range(2001, 2101))
    assert {row.reason for row in bad} == {"too_many_fields"}


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_rows_is_refused(shop: Path, content: bytes) -> None:
    with pytest.raises(CatalogError, match="no rows"):
        read(shop / "c.jsonl", content)


LINES = [
    json.dumps({"id": f"p{i}", "image": "a.jpg", "t": "é\n", "n": i}, ensure_ascii=False).encode()
    for i in range(6)
]


@settings(max_examples=200)
@given(st.integers(0, 5), st.integers(0, 50), st.binary(max_size=6), st.integers(0, 6))
def test_damage_costs_the_line_it_is_on(
    tmp_path_factory: pytest.TempPathFactory,
    which: int,
    position: int,
    inserted: bytes,
    dropped: int,
) -> None:
    folder = tmp_path_factory.mktemp("mutated")
    (folder / "a.jpg").touch()
    line = LINES[which][:position] + inserted + LINES[which][position + dropped :]
    # A file that begins as one of another format is refused whole.
    assume(which > 0 or line[:1] in b"{\n ")
    rows = read(folder / "c.jsonl", b"\n".join([*LINES[:which], line, *LINES[which + 1 :]]))
    extra = line.count(b"\n")
    found = {row.line: row for row in rows}
    for number in range(6):
        row = found.get(number + 1 + (extra if number > which else 0))
        if number < which:
            assert isinstance(row, CatalogRow)
            assert row.id == f"p{number}"
        elif number > which:
            assert row is not None
            assert row.id == f"p{number}"
            assert isinstance(row, CatalogRow) or row.reason == "duplicate_id"
