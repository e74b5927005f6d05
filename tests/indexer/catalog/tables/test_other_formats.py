"""Spreadsheets, JSON, SQLite, Arrow and WebDataset: the same products, and hostile files."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pytest

from indexer import CatalogError
from indexer.catalog import BadRow, CatalogOptions, CatalogRow, open_catalog
from indexer.catalog.tables import open_table

ROWS = [
    {"id": "007", "image": "a.png", "title": "Red shirt, “slim”"},
    {"id": "008", "image": "b.png", "title": "Blau größer"},
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def rows_of(path: Path, **options: str) -> list[CatalogRow | BadRow]:
    return list(open_catalog(path, CatalogOptions(**options)).rows())  # type: ignore[arg-type]


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(CatalogError) as caught:
        rows_of(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def write_xlsx(path: Path, sheets: dict[str, dict[str, str | float]]) -> None:
    """Write a workbook as cells by their references: text inline, numbers as numbers."""

    def cell(reference: str, value: str | float) -> str:
        if isinstance(value, str):
            return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c r="{reference}"><v>{value!r}</v></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml", f'<Types xmlns="{package}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )  # fmt: skip
        archive.writestr(
            "_rels/.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="r0" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )  # fmt: skip
        listed, related = "", ""
        for number, (name, cells) in enumerate(sheets.items(), start=1):
            listed += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
            related += (
                f'<Relationship Id="r{number}" Type="{office}/worksheet" '
                f'Target="worksheets/sheet{number}.xml"/>'
            )
            by_row: dict[str, str] = {}
            for reference, value in cells.items():
                row = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                by_row[row] = by_row.get(row, "") + cell(reference, value)
            data = "".join(f'<row r="{row}">{text}</row>' for row, text in by_row.items())
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>',
            )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{related}</Relationships>',
        )


def cells_of(first: int = 1) -> dict[str, str | float]:
    cells: dict[str, str | float] = {}
    for place, name in enumerate(ROWS[0]):
        cells[f"{'ABC'[place]}{first}"] = name
        for number, row in enumerate(ROWS, start=first + 1):
            cells[f"{'ABC'[place]}{number}"] = row[name]
    return cells


def write_workbook(path: Path) -> None:
    write_xlsx(path, {"Products": cells_of()})


def write_array(path: Path) -> None:
    path.write_text(json.dumps(ROWS, indent=1))


def write_object(path: Path) -> None:
    path.write_text(json.dumps({"count": 2, "products": ROWS}))


def write_objects(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(map(json.dumps, ROWS)).encode())


def write_utf16(path: Path) -> None:
    path.write_text(json.dumps(ROWS, ensure_ascii=False), encoding="utf-16")


def write_feather(path: Path) -> None:
    pyarrow.feather.write_feather(pa.Table.from_pylist(ROWS), str(path))


def write_stream(path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with path.open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def write_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE products (id TEXT, image TEXT, title TEXT)")
        database.executemany("INSERT INTO products VALUES (:id, :image, :title)", ROWS)
    database.close()


@pytest.mark.parametrize(
    ("name", "write", "described"),
    [
        ("c.xlsx", write_workbook, "Excel, sheet 'Products'"),
        ("c.json", write_array, "JSON"),
        ("c.json", write_object, "JSON"),
        ("c.json", write_objects, "JSON"),
        ("c.json", write_utf16, "JSON"),
        ("c.feather", write_feather, "Arrow"),
        ("c.arrow", write_stream, "Arrow"),
        ("c.sqlite", write_sqlite, "SQLite, table 'products'"),
    ],
)
def test_each_format_gives_the_same_products(
    shop: Path, name: str, write: Callable[[Path], None], described: str
) -> None:
    write(shop / name)
    rows = rows_of(shop / name)
    assert [
        {"id": row.id, "image": row.images[0].location, **row.fields}
        for row in rows
        if isinstance(row, CatalogRow)
    ] == ROWS
    assert len(rows) == 2
    assert str(open_table(shop / name).description) == described  # type: ignore[union-attr]


def test_a_sheet_below_a_title_is_read_with_its_rows(shop: Path) -> None:
    cells = cells_of(3) | {"A1": "Price list", "D3": "price", "D4": 19.5, "D5": 20.0}
    write_xlsx(shop / "c.xlsx", {"Notes": {"A1": "x"}, "Spring": cells, "Old": cells_of()})
    rows = rows_of(shop / "c.xlsx")
    assert [row.line for row in rows] == [4, 5]
    assert [row.fields["price"] for row in rows if isinstance(row, CatalogRow)] == ["19.5", "20"]
    table = open_table(shop / "c.xlsx")
    assert table is not None
    assert table.notes == ("sheets that are not read: 'Notes', 'Old'; --sheet names one",)
    assert [row.line for row in rows_of(shop / "c.xlsx", sheet="Old")] == [2, 3]
    assert "its sheets are 'Notes', 'Spring', 'Old'" in refusal(shop / "c.xlsx", sheet="New")


def test_numbers_that_a_sheet_rounded_are_refused(shop: Path) -> None:
    write_xlsx(shop / "c.xlsx", {"A": cells_of() | {"A2": 12345678901234567890.0, "A3": 8.0}})
    bad, good = rows_of(shop / "c.xlsx")
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.reason) == (2, "bad_value")
    assert "more digits" in bad.message
    assert good.id == "8"


def test_a_far_cell_and_a_damaged_workbook_end_in_one_sentence(shop: Path) -> None:
    write_xlsx(shop / "far.xlsx", {"A": cells_of() | {"XFD1048576": "x"}})
    assert "far away" in refusal(shop / "far.xlsx")
    (shop / "junk.xlsx").write_bytes(b"PK\3\4 junk")
    assert "is no spreadsheet, or is damaged" in refusal(shop / "junk.xlsx")
    whole = shop / "whole.xlsx"
    write_workbook(whole)
    (shop / "cut.ods").write_bytes(whole.read_bytes()[:300])
    assert "is no spreadsheet, or is damaged" in refusal(shop / "cut.ods")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": 1, "image": "a.png"}, {"id"', "not valid JSON after item 1"),
        ('[{"id": 1, "image": "a.png"} {"id": 2}]', "a comma or ] is missing"),
        ('[{"id": 1, "image": "a.png"}', "cut short"),
        ("[" * 100_000, "nested too deeply"),
        ("<html>", "begins with neither"),
        ('{"a": [{"x": 1}], "b": [{"y": 1}]}', "several lists"),
    ],
)
def test_json_that_cannot_be_used_is_refused(shop: Path, text: str, message: str) -> None:
    (shop / "c.json").write_text(text)
    assert message in refusal(shop / "c.json")


def test_json_items_that_cannot_be_used_are_set_aside(shop: Path) -> None:
    good = '{"id": 5, "image": "a.png"}'
    items = ("3", '{"id": 1, "price": NaN}', '{"id": 2, "t": "\\ud800"}', good)
    (shop / "c.json").write_text(f"[{','.join(items)}]")
    rows = rows_of(shop / "c.json")
    assert [getattr(row, "reason", row.id) for row in rows] == [*["bad_json"] * 3, "5"]


def test_json_larger_than_a_piece_is_read_item_by_item(shop: Path) -> None:
    items = [{"id": n, "image": "a.png", "text": "ü" * 100_000} for n in range(12)]
    (shop / "c.json").write_text(json.dumps(items, ensure_ascii=False))
    assert [row.id for row in rows_of(shop / "c.json")] == [str(n) for n in range(12)]


def test_sqlite_tables_are_named_and_hostile_files_refused(shop: Path) -> None:
    path = shop / "c.db"
    write_sqlite(path)
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE "or""ders" (n)')
    assert "several tables; its tables are" in refusal(path)
    assert "--sheet" in refusal(path)
    assert len(rows_of(path, sheet="products")) == 2
    assert "no table 'x'" in refusal(path, sheet="x")
    database.execute("BEGIN EXCLUSIVE")
    assert "locked by a program" in refusal(path, sheet="products")
    database.rollback()
    database.close()
    data = path.read_bytes()
    (shop / "junk.db").write_bytes(b"no database" * 100)
    assert "is not an SQLite file" in refusal(shop / "junk.db")
    (shop / "cut.db").write_bytes(data[:4096])
    assert "SQLite file" in refusal(shop / "cut.db", sheet="products")


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def write_tar(path: Path, *extra: str) -> None:
    with tarfile.open(path, "w") as archive:
        for key in ("000000001", "000000002"):
            add(archive, f"{key}.jpg", key.encode())
            about = {"key": key, "url": f"https://shop.example/{key}.jpg", "width": 256}
            add(archive, f"{key}.json", json.dumps(about).encode())
            add(archive, f"{key}.txt", f"caption {key}".encode())
        for name in extra:
            add(archive, name, b"x")


def test_webdataset_archives_and_folders_of_them(shop: Path) -> None:
    write_tar(shop / "00000.tar")
    one, two = rows_of(shop / "00000.tar")
    assert isinstance(one, CatalogRow)
    assert (one.id, one.images[0].data) == ("000000001", b"000000001")
    assert one.fields == {
        "url": "https://shop.example/000000001.jpg", "width": 256, "caption": "caption 000000001",
    }  # fmt: skip
    assert two.line == 2
    folder = shop / "dataset"
    folder.mkdir()
    write_tar(folder / "00000.tar")
    (folder / "00000_stats.json").write_text("{}")
    (folder / "00000.parquet").write_bytes(b"")
    assert [row.id for row in rows_of(folder)] == ["000000001", "000000002"]


def test_hostile_archives(shop: Path) -> None:
    write_tar(shop / "up.tar", "../../evil.jpg", "/etc/evil.jpg", "._a.jpg", "bad.json")
    with tarfile.open(shop / "up.tar", "a") as archive:
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    rows = rows_of(shop / "up.tar")
    assert [getattr(row, "reason", row.id) for row in rows] == [
        "000000001", "000000002", "bad_path", "bad_path", "bad_json",
    ]  # fmt: skip
    whole = (shop / "up.tar").read_bytes()
    (shop / "cut.tar").write_bytes(whole[:700])
    assert "cut short" in refusal(shop / "cut.tar")
    (shop / "junk.tar").write_bytes(b"no archive" * 200)
    assert "is not a tar archive" in refusal(shop / "junk.tar")


def test_damaged_arrow_files_are_refused(shop: Path) -> None:
    write_feather(shop / "c.feather")
    data = (shop / "c.feather").read_bytes()
    for cut in (0, 3, 100, len(data) // 2, len(data) - 3):
        (shop / "cut.feather").write_bytes(data[:cut])
        assert "Arrow" in refusal(shop / "cut.feather")


def test_hugging_face_images_are_found_in_arrow_and_parquet(shop: Path) -> None:
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": b"x", "path": "a.jpg"}, {"bytes": None, "path": "a.png"}], struct)
    table = pa.table({"id": [1, 2], "image": images})
    folder = shop / "data"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"")
    pa.feather.write_feather(table, str(shop / "c.arrow"), compression="uncompressed")
    one, two = rows_of(shop / "c.arrow")
    assert isinstance(one, CatalogRow)
    assert isinstance(two, CatalogRow)
    assert (one.images[0].data, two.images[0].location) == (b"x", "a.png")
