"""Parquet catalogs: every shape of images and ids, types by the schema, damage."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.catalog import BadRow, CatalogOptions, CatalogRow, FieldType, open_catalog
from indexer.errors import CatalogError

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def read(
    path: Path, columns: dict[str, Any], options: CatalogOptions | None = None
) -> list[CatalogRow | BadRow]:
    pq.write_table(pa.table(columns), path)
    return list(open_catalog(path, options or CatalogOptions()).rows())


def images(row: CatalogRow | BadRow) -> list[tuple[str, bytes]] | str:
    if isinstance(row, BadRow):
        return row.reason
    return [(image.location, image.read(1000)) for image in row.images]


A, B = ("a.jpg", b"a.jpg"), ("b.jpg", b"b.jpg")
X, Y = ("", b"x"), ("", b"y")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([b"x", None, b""]), [[X], "no_image", [("", b"")]]),
        (pa.array([b"x", None], pa.large_binary()), [[X], "no_image"]),
        (pa.array(["a.jpg", None, " ", "gone"]), [[A], "no_image", "no_image", "image_not_found"]),
        (pa.array(["a.jpg", "b.jpg", "a.jpg"]).dictionary_encode(), [[A], [B], [A]]),
        (pa.array([[b"x", b"y"], [], None, [None]]), [[X, Y], "no_image", "no_image", "no_image"]),
        (pa.array([["a.jpg", "b.jpg"], ["a.jpg", "../c"]]), [[A, B], "path_outside_catalog"]),
        (
            pa.array(
                [
                    {"bytes": b"x", "path": "/etc/passwd"},
                    {"bytes": None, "path": "b.jpg"},
                    {"bytes": None, "path": None},
                    None,
                ],
                STRUCT,
            ),
            [[X], [B], "no_image", "no_image"],
        ),
        (
            pa.array([[{"bytes": b"x", "path": None}, {"bytes": None, "path": "a.jpg"}]])
            .cast(pa.list_(STRUCT)),
            [[X, A]],
        ),
    ],
)  # fmt: skip
def test_every_shape_of_the_image_column(
    shop: Path, column: pa.Array, expected: list[object]
) -> None:
    rows = read(shop / "c.parquet", {"id": list(range(len(column))), "image": column})
    assert [images(row) for row in rows] == expected
    assert [row.line for row in rows] == list(range(1, len(column) + 1))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([7, None]), ["7", "missing_id"]),
        (pa.array([7], pa.uint8()), ["7"]),
        (pa.array([7.0, float("nan"), 1.5, 1e300]), ["7", "missing_id", "bad_id", "bad_id"]),
        (pa.array([" é ", "", "a\nb", "é"]), ["é", "missing_id", "bad_id", "duplicate_id"]),
        (pa.array([b"x", b"\xff"]), ["x", "bad_utf8"]),
        (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    ],
)
def test_ids_of_every_type(shop: Path, column: pa.Array, expected: list[str]) -> None:
    rows = read(shop / "c.parquet", {"id": column, "image": ["a.jpg"] * len(column)})
    assert [row.reason if isinstance(row, BadRow) else row.id for row in rows] == expected


def test_fields_are_typed_by_the_schema(shop: Path) -> None:
    moment = dt.datetime(2024, 2, 29, 12, 30, 5, 250_000, dt.UTC)
    columns = {
        "id": ["1", "2"],
        "image": ["a.jpg", "b.jpg"],
        "title": ["12", None],
        "year": pa.array([2011, None], pa.int16()),
        "price": pa.array([9.5, float("nan")], pa.float32()),
        "cost": pa.array([Decimal("1.25"), None]),
        "new": [True, None],
        "day": pa.array([dt.date(2024, 2, 29), None]),
        "at": pa.array([moment, None], pa.timestamp("us")),
        "at_ns": pa.array([1, None], pa.timestamp("ns")),
        "at_zone": pa.array([moment, None], pa.timestamp("ms", "Asia/Tokyo")),
        "time": pa.array([dt.time(1, 2, 3), None], pa.time32("s")),
        "sizes": pa.array([["S", None], None]),
        "made": pa.array([{"in": "Málaga", "share": float("inf")}, None]),
        "nothing": pa.nulls(2),
        "season": pa.array(["Fall", None]).dictionary_encode(),
        "thumb": [b"\x00", None],
    }
    first, second = read(shop / "c.pq", columns)
    assert isinstance(first, CatalogRow)
    assert isinstance(second, CatalogRow)
    assert first.fields == {
        "title": "12",
        "year": 2011,
        "price": 9.5,
        "cost": 1.25,
        "new": True,
        "day": "2024-02-29",
        "at": "2024-02-29T12:30:05.250000",
        "at_ns": "1970-01-01T00:00:00.000000001",
        "at_zone": "2024-02-29T12:30:05.250Z",
        "time": "01:02:03.000",
        "sizes": ["S"],
        "made.in": "Málaga",
        "made.share": None,
        "nothing": None,
        "season": "Fall",
    }
    assert type(first.fields["cost"]) is float
    assert set(second.fields.values()) == {None}
    catalog = open_catalog(shop / "c.pq")
    assert (catalog.untyped, catalog.count, catalog.left_out) == (False, 2, ("thumb",))
    assert catalog.field_types is not None
    numbers = {
        "year": FieldType.INTEGER,
        **dict.fromkeys(("price", "cost", "made.share"), FieldType.FLOAT),
        "sizes": FieldType.LABELS,
        **dict.fromkeys(("day", "at", "at_ns", "at_zone"), FieldType.DATE),
    }
    assert catalog.field_types == {
        **dict.fromkeys(first.fields, FieldType.TEXT), **numbers, "new": FieldType.BOOLEAN
    }  # fmt: skip


def test_text_that_is_not_utf8_and_numbers_out_of_range_cost_their_row(shop: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 3, pa.array([b"ok", b"\xff", b"ok"]).buffers())
    rows = read(
        shop / "c.parquet",
        {
            "id": [1, 2, 3],
            "image": ["a.jpg"] * 3,
            "t": broken,
            "n": pa.array([1, 2, 2**63], pa.uint64()),
        },
    )
    assert isinstance(rows[0], CatalogRow)
    assert rows[0].fields == {"t": "ok", "n": 1}
    assert [(row.line, row.id, row.reason) for row in rows[1:] if isinstance(row, BadRow)] == [
        (2, "2", "bad_utf8"),
        (3, "3", "bad_value"),
    ]


def test_embedded_images_over_the_limit_cost_their_row(shop: Path) -> None:
    options = CatalogOptions(max_image_bytes=3)
    rows = read(shop / "c.parquet", {"id": [1, 2], "image": [b"1234", b"123"]}, options)
    assert [images(row) for row in rows] == ["image_too_large", [("", b"123")]]


def test_lines_go_on_through_batches_and_row_groups(shop: Path) -> None:
    table = pa.table({"id": [str(i) for i in range(5000)], "image": ["a.jpg"] * 5000})
    pq.write_table(table, shop / "c.parquet", row_group_size=1700)
    rows = list(open_catalog(shop / "c.parquet").rows())
    assert [(row.line, row.id) for row in rows] == [(i + 1, str(i)) for i in range(5000)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": [1], "image": [b"x"]}, "no column 'id'"),
        ({"id": [1], "shade": ["x"]}, "no column 'image'"),
        ({"id": [True], "image": [b"x"]}, "ids are text or whole numbers"),
        ({"id": [1], "image": [1.5]}, "of type double"),
        ({"id": [1], "image": [{"file": "a.jpg"}]}, "of type struct"),
        ({"id": [1], "image": [b"x"], "": [1]}, "column 3"),
        ({"id": pa.array([], pa.string()), "image": pa.array([], pa.string())}, "no rows"),
    ],
)
def test_an_unusable_file_is_refused(shop: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        read(shop / "c.parquet", columns)


def test_columns_of_one_name_are_refused(shop: Path) -> None:
    one = pa.array(["a.jpg"])
    pq.write_table(pa.table([one, one, one], ["id", "image", "image"]), shop / "c.parquet")
    with pytest.raises(CatalogError, match="more than one column named 'image'"):
        open_catalog(shop / "c.parquet")


@settings(max_examples=200)
@given(st.data())
def test_a_cut_or_changed_file_raises_nothing_but_catalog_errors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "intact.parquet"
    if not path.exists():
        contents = [bytes([i]) * 50 for i in range(40)]
        table = pa.table({"id": list(range(40)), "image": contents, "t": ["word"] * 40})
        pq.write_table(table, path, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[position:]
    else:
        content[position] ^= 1 << data.draw(st.integers(0, 7))
    damaged = path.with_name("damaged.parquet")
    damaged.write_bytes(content)
    with contextlib.suppress(CatalogError):
        rows = list(open_catalog(damaged).rows())
        assert [row.line for row in rows] == list(range(1, len(rows) + 1))


def test_a_folder_of_parquet_files_is_one_catalog(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    data = b"x"
    first = pa.table({"id": ["a", "b"], "image": [data, data], "price": [1, 2]})
    second = pa.table({"id": ["c", "a"], "image": [data, data], "price": [1.5, 2.5], "new": [1, 1]})
    pq.write_table(first, folder / "part-0.parquet")
    pq.write_table(second, folder / "part-1.parquet")
    (folder / "_SUCCESS").write_bytes(b"")
    catalog = open_catalog(folder)
    assert catalog.count == 4
    assert catalog.field_types == {"price": FieldType.FLOAT, "new": FieldType.INTEGER}
    rows = list(catalog.rows())
    assert [(row.line, row.id) for row in rows] == [(1, "a"), (2, "b"), (3, "c"), (4, "a")]
    assert isinstance(rows[3], BadRow)
    assert rows[3].reason == "duplicate_id"
    # Next to any other file they are files of an image folder.
    (folder / "a.jpg").write_bytes(data)
    assert {row.id for row in open_catalog(folder).rows()} == {
        "_SUCCESS", "a.jpg", "part-0.parquet", "part-1.parquet"
    }  # fmt: skip
