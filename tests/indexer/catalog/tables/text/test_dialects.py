"""Delimited text as shops export it: delimiters, encodings, compression, quotes."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from indexer.catalog import BadRow, CatalogOptions, CatalogRow, open_catalog
from indexer.catalog.tables import open_table
from indexer.catalog.tables.files import compression
from indexer.errors import CatalogError


def read(path: Path, content: str | bytes, **options: str) -> list[CatalogRow | BadRow]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_catalog(path, CatalogOptions(**options)).rows())


def outcome(rows: list[CatalogRow | BadRow]) -> list[tuple[int, str | None]]:
    """(line, reason) of every row, the reason None for a good one."""
    return [(row.line, row.reason if isinstance(row, BadRow) else None) for row in rows]


TABLE = [
    ["id", "image", "title", "price"],
    ["007", "a.jpg", 'Größe; süß, | "neu"\nzweite Zeile', "49,90 €"],
    ["008", "b.jpg", "Écharpe légère", "1 299,00 €"],
    ["009", "b.jpg", "Tasse für Bücher", "3"],
]


def written(delimiter: str, encoding: str, line_end: str = "\r\n") -> bytes:
    """The table as a shop's program exports it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(TABLE)
    return text.getvalue().encode(encoding)


def fields_of(rows: list[CatalogRow | BadRow]) -> list[object]:
    return [dict(row.fields) for row in rows if isinstance(row, CatalogRow)]


EXPECTED = [{"title": row[2], "price": row[3]} for row in TABLE[1:]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiter_encoding_and_line_ends_are_found(
    shop: Path, delimiter: str, encoding: str, line_end: str
) -> None:
    content = written(delimiter, encoding, line_end)
    if line_end == "\r":  # as a program that writes such lines would
        content = content.decode(encoding).replace("\n", "\r").encode(encoding)
    rows = read(shop / "c.csv", content)
    assert [row.id for row in rows] == ["007", "008", "009"]
    assert fields_of(rows) == EXPECTED


@pytest.mark.parametrize(
    ("encoding", "texts", "name"),
    [
        ("cp1252", ["Schöne Tasse", "Größe übergroß", "süß"], "Windows-1252"),
        ("cp1252", ["Écharpe légère à carreaux"], "Windows-1252"),
        ("cp1252", ["Camiseta de algodón para niños"], "Windows-1252"),
        ("cp1250", ["Żółta filiżanka", "Koszulka z bawełny, różowa"], "Windows-1250"),
        ("cp1251", ["Красное платье летнее"], "Windows-1251"),
        ("cp932", ["赤い夏のドレス", "青いティーカップ"], "Shift-JIS"),
        ("gb18030", ["红色夏季连衣裙", "蓝色茶杯"], "GB18030"),
    ],
)
def test_legacy_encodings_are_found_and_named(
    shop: Path, encoding: str, texts: list[str], name: str
) -> None:
    lines = [f"{at},a.jpg,{text!r}" for at, text in enumerate(texts)]
    content = "\n".join(["id,image,title", *lines]).replace("'", '"').encode(encoding)
    rows = read(shop / "c.csv", content)
    assert fields_of(rows) == [{"title": text} for text in texts]
    table = open_table(shop / "c.csv")
    assert table is not None
    assert table.description.encoding == name


def test_of_many_lines_one_that_is_not_utf8_is_set_aside(shop: Path) -> None:
    lines = [b"%d,a.jpg,x" % at for at in range(200)]
    lines[50] = b"50,a.jpg,caf\xe9"
    rows = read(shop / "c.csv", b"id,image,t\n" + b"\n".join(lines))
    assert [entry for entry in outcome(rows) if entry[1]] == [(52, "bad_utf8")]


def test_an_encoding_can_be_named(shop: Path) -> None:
    content = "id,image,t\n1,a.jpg,Größe\n".encode("cp850")
    (row,) = read(shop / "c.csv", content, encoding="cp850")
    assert fields_of([row]) == [{"t": "Größe"}]
    with pytest.raises(CatalogError, match="no encoding 'klingon'"):
        read(shop / "c.csv", content, encoding="klingon")


@pytest.mark.parametrize("compress", ["gz", "bz2", "zst", "zip"])
def test_compressed_tables(shop: Path, compress: str) -> None:
    content = written(";", "cp1252")
    path = shop / f"c.csv.{compress}"
    if compress == "zip":
        with zipfile.ZipFile(shop / "c.zip", "w") as archive:
            archive.writestr("export/c.csv", content)
            archive.writestr("__MACOSX/export/._c.csv", b"x")
        path = shop / "c.zip"
    elif compress == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes({"gz": gzip, "bz2": bz2}[compress].compress(content))
    assert fields_of(list(open_catalog(path).rows())) == EXPECTED
    table = open_table(path)
    assert table is not None
    names = {"gz": "gzip", "bz2": "bzip2", "zst": "zstd", "zip": "zip"}
    assert str(table.description) == f"CSV, semicolons, Windows-1252, {names[compress]}"


def test_damaged_and_ambiguous_archives_are_refused(shop: Path) -> None:
    (shop / "cut.csv.gz").write_bytes(gzip.compress(written(",", "utf-8") * 50)[:-20])
    with zipfile.ZipFile(shop / "two.zip", "w") as archive:
        archive.writestr("a.csv", "id,image\n")
        archive.writestr("b.csv", "id,image\n")
    (shop / "none.zip").write_bytes(b"PK")
    for name, message in (
        ("cut.csv.gz", "can't be unpacked"),
        ("two.zip", "2 files in it.*'a.csv', 'b.csv'"),
        ("none.zip", "can't be unpacked"),
    ):
        with pytest.raises(CatalogError, match=message):
            open_catalog(shop / name)


def test_a_file_that_unpacks_to_too_much_is_refused(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "_FREE_BYTES", 2**20)
    (shop / "bomb.csv.gz").write_bytes(gzip.compress(b"id,image\n" + b"0" * 2**23))
    with pytest.raises(CatalogError, match="unpacks to more than"):
        open_catalog(shop / "bomb.csv.gz")


def test_rows_of_nothing_but_delimiters_are_blank_lines(shop: Path) -> None:
    rows = read(shop / "c.csv", "id,image,t\n1,a.jpg,x\n,,\n , ,\n\n2,b.jpg,y\n" + ",,\n" * 20)
    assert outcome(rows) == [(2, None), (6, None)]


@pytest.mark.parametrize(
    "line",
    [
        '2, "b.jpg", "B, blue"',
        '2,"b.jpg" , "B, blue" ',
        '"2" ,"b.jpg","B, blue"',
        ' 2 , b.jpg ,\t"B, blue"',
    ],
)
def test_blanks_around_cells_and_quotes_are_dropped(shop: Path, line: str) -> None:
    good, row = read(shop / "c.csv", f"id, image, title\n1, a.jpg, A\n{line}\n")
    assert fields_of([good, row]) == [{"title": "A"}, {"title": "B, blue"}]


def test_backslashes_may_escape_quotes(shop: Path) -> None:
    rows = read(shop / "c.csv", 'id,image,t\n1,a.jpg,"15\\" disc, \\"new\\""\n2,b.jpg,x\n')
    assert fields_of(rows) == [{"t": '15" disc, "new"'}, {"t": "x"}]


def test_quotes_in_text_with_tabs(shop: Path) -> None:
    lines = [
        "id\timage\ttitle",
        '1\ta.jpg\t"Big" lamp',
        '2\tb.jpg\t"Best seller mug',
        '3\tb.jpg\tOf 15"',
        '4\tb.jpg\t"Best seller cup',
        '5\tb.jpg\tOf the year"',
        '6\tb.jpg\t"with ""quotes"""',
        '7\tb.jpg\t"a\ttab, and',
        'a line"',
    ]
    rows = read(shop / "c.tsv", "\n".join(lines))
    assert fields_of(rows) == [
        {"title": '"Big" lamp'},
        {"title": '"Best seller mug'},
        {"title": 'Of 15"'},
        {"title": '"Best seller cup'},
        {"title": 'Of the year"'},
        {"title": 'with "quotes"'},
        {"title": "a\ttab, and\na line"},
    ]


def test_columns_without_a_name_of_their_own(shop: Path) -> None:
    text = ",id,image,t,t,,\n0,1,a.jpg,x,y,,\n1,2,b.jpg,z,,,\n"
    rows = read(shop / "c.csv", text)
    assert fields_of(rows) == [
        {"column_1": "0", "t": "x", "t_2": "y"},
        {"column_1": "1", "t": "z", "t_2": None},
    ]
    table = open_table(shop / "c.csv")
    assert table is not None
    assert [note.split(";")[0] for note in table.notes] == [
        "column 1 has no name",
        "column 5 is named 't' as one before it",
    ]


def test_excels_line_that_names_the_delimiter(shop: Path) -> None:
    (row,) = read(shop / "c.csv", "sep=;\r\nid;image;t\r\n1;a.jpg;x, y\r\n")
    assert (row.line, fields_of([row])) == (3, [{"t": "x, y"}])


def test_a_thousand_columns(shop: Path) -> None:
    names = [f"c{at}" for at in range(1000)]
    text = ",".join(["id", "image", *names]) + "\n1,a.jpg," + ",".join(names) + "\n"
    (row,) = read(shop / "c.csv", text)
    assert fields_of([row]) == [{name: name for name in names}]


@pytest.mark.parametrize(
    ("head", "what"), [(b"PK\3\4", "zip archive"), (b"PAR1", "Parquet"), (b"\x89PNG", "PNG")]
)
def test_binary_files_with_the_name_of_text_are_refused(shop: Path, head: bytes, what: str) -> None:
    (shop / "c.csv").write_bytes(head + bytes(100))
    with pytest.raises(CatalogError, match=what):
        open_catalog(shop / "c.csv")
