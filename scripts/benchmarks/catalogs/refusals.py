"""Cells that must be refused: files that can't be used, and rows that can't."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.benchmarks.catalogs.cells import Cell, Shop, plain_table, write_bytes
from scripts.benchmarks.catalogs.shop import Expected, Truth
from scripts.benchmarks.catalogs.writers import TextStyle, compressed, delimited

__all__ = ["refusal_cells"]

_GOOD = b"id,image,title\n1,pictures/p01.png,Mug\n"
_MUG = Expected("1", ("p01.png",), {"title": "Mug"})
_CUP = Expected("3", ("p01.png",), {"title": "Cup"})
_CUP_LINE = b"3,pictures/p01.png,Cup\n"


def refusal_cells(shop: Shop) -> Iterator[Cell]:
    """Yield the cells of files and rows that can't be used."""
    for name, (ending, data, sentence) in _files().items():
        yield Cell("refusals", name, write_bytes(shop, data, ending), Truth(sentence=sentence))
    for name, (row, reason) in _rows().items():
        truth = Truth((_MUG, _CUP), (reason,))
        data = _GOOD + row + b"\n" + _CUP_LINE
        yield Cell("refusals", f"a row: {name}", write_bytes(shop, data, "csv"), truth)
    for name, (text, reason) in _items().items():
        good = '{"id": "1", "image": "pictures/p01.png", "title": "Mug"}'
        cup = good.replace('"1"', '"3"').replace("Mug", "Cup")
        truth = Truth((_MUG, _CUP), (reason,))
        lines = f"{good}\n{text}\n{cup}\n".encode("utf-8", "surrogateescape")
        yield Cell("refusals", f"an item: {name}", write_bytes(shop, lines, "jsonl"), truth)


def _files() -> Mapping[str, tuple[str, bytes, str]]:
    """Return files by what is wrong with them: ending, content, part of the message."""
    sheet, _ = plain_table()
    csv = delimited(sheet, TextStyle())
    parquet = io.BytesIO()
    pq.write_table(pa.table({"id": ["1"], "image": ["pictures/p01.png"]}), parquet)
    return {
        "an empty CSV": ("csv", b"", "is empty"),
        "a header alone": ("csv", b"id,image\n", "has no rows"),
        "an empty JSON": ("json", b"", "is not JSON"),
        "an empty array": ("json", b"[]", "has no rows"),
        "no column of images": ("csv", b"id,title,x\n1,a,b\n2,c,d\n", "--image-column"),
        "no column of ids": ("csv", b"image,title\na.png,x y\nb.png,z\nc.png,w\n", "--id-column"),
        "two columns of ids": ("csv", b"id,id,image\n1,2,a.png\n", "more than one column named"),
        "a web page": ("csv", b"<!DOCTYPE html>\n<html><body>Log in</body></html>", "web page"),
        "a web page in JSON's place": ("json", b"<html><body>x</body></html>", "is not JSON"),
        "a web page in XML's place": ("xml", b"<html><body>x</body></html>", "no <item>"),
        "an old workbook": ("csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "(.xls)"),
        "a workbook as text": ("csv", b"PK\3\4" + b"\0" * 60, "spreadsheet"),
        "Parquet as text": ("csv", b"PAR1" + b"\0" * 60, "a Parquet file"),
        "a database as text": ("tsv", b"SQLite format 3\0" + b"\0" * 90, "an SQLite database"),
        "a picture as text": ("csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "a PNG image"),
        "a document as text": ("csv", b"%PDF-1.7\n...", "a PDF document"),
        "an unknown ending": ("docx", b"x", "unknown format"),
        "gzip that is cut": ("csv.gz", gzip.compress(csv)[:-20], "can't be unpacked"),
        "gzip that is damaged": ("csv.gz", gzip.compress(csv)[:40] + b"\xff" * 40, "unpacked"),
        "Zstandard that is cut": ("csv.zst", compressed(csv, "zst", "c.csv")[:60], "unpacked"),
        "zip of two tables": ("zip", _zip(a=csv, b=csv), "2 files in it"),
        "zip of none": ("zip", _zip(), "0 files in it"),
        "zip that is cut": ("zip", compressed(csv, "zip", "c.csv")[:90], "unpacked"),
        "a bomb": ("csv.gz", gzip.compress(csv) + gzip.compress(b"1" * 2**24) * 70,
                   "unpacks to more"),
        "Parquet that is cut": ("parquet", parquet.getvalue()[:-30], "Parquet"),
        "no Parquet": ("parquet", b"PAR1 no", "Parquet"),
        "no Arrow": ("arrow", b"ARROW1 no", "Arrow"),
        "no database": ("sqlite", b"no database" * 90, "SQLite"),
        "no archive": ("tar", b"no archive" * 90, "tar archive"),
        "no spreadsheet": ("xlsx", b"PK\3\4 no", "spreadsheet"),
        "JSON that is cut": ("json", b'[{"id": 1, "image": "a.png"}, {"id', "not valid JSON"),
        "JSON in another encoding": ("json", '[{"id": "größe"}]'.encode("cp1252"), "not UTF-8"),
        "several lists": ("json", b'{"a": [{"x": 1}], "b": [{"y": 1}]}', "several lists"),
        "XML that is cut": ("xml", b"<rss><item><id>1</id></item><item>", "not valid XML"),
        "entities": ("xml", b'<!DOCTYPE r [<!ENTITY a "x">]><rss><item>&a;</item></rss>',
                     "document type"),
    }  # fmt: skip


def _zip(**tables: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in tables.items():
            archive.writestr(f"{name}.csv", data)
    return buffer.getvalue()


def _rows() -> Mapping[str, tuple[bytes, str]]:
    """Return a row of CSV by what is wrong with it, with its reason."""
    return {
        "too few cells": (b"2,pictures/p01.png", "ragged_row"),
        "too many cells": (b"2,pictures/p01.png,Mug,more", "ragged_row"),
        "an open quote": (b'2,pictures/p01.png,"Mug', "bad_quotes"),
        "letters after a quote": (b'2,"pictures/p01.png"x,Mug', "bad_quotes"),
        "no UTF-8": ("2,pictures/p01.png,größe ü".encode() + b"\xff", "bad_utf8"),
        "a NUL": (b"2,pictures/p01.png,Mu\0g", "nul_byte"),
        "no id": (b",pictures/p01.png,Mug", "missing_id"),
        "the id of another": (b"1,pictures/p01.png,Mug", "duplicate_id"),
        "a long id": (b"x" * 600 + b",pictures/p01.png,Mug", "id_too_long"),
        "a control character in the id": (b"2\x07,pictures/p01.png,Mug", "bad_id"),
        "no image": (b"2,,Mug", "no_image"),
        "a long line": (b"2,pictures/p01.png," + b"x" * (2**24 + 2**19), "row_too_long"),
    }


def _items() -> Mapping[str, tuple[str, str]]:
    """Return a line of JSON by what is wrong with it, with its reason."""
    return {
        "no JSON": ("{'id': 2}", "bad_json"),
        "a list": ("[1, 2]", "bad_json"),
        "cut": ('{"id": "2", "image', "bad_json"),
        "NaN": ('{"id": "2", "image": "pictures/p01.png", "x": NaN}', "bad_json"),
        "a name twice": ('{"id": "2", "id": "4", "image": "pictures/p01.png"}', "bad_json"),
        "half a character": ('{"id": "2", "image": "a.png", "t": "\\ud800"}', "bad_json"),
        "no UTF-8": ('{"id": "2", "image": "pictures/p01.png", "t": "\udcff"}', "bad_utf8"),
        "an id that is true": ('{"id": true, "image": "pictures/p01.png"}', "bad_id"),
        "an id that is a list": ('{"id": [2], "image": "pictures/p01.png"}', "bad_id"),
        "an image that is a number": ('{"id": "2", "image": 7}', "bad_image"),
        "no image": ('{"id": "2", "title": "Mug"}', "no_image"),
        "deep": ('{"id": "2", "image": "pictures/p01.png", "x": ' + '{"a":' * 12 + "1" + "}" * 13,
                 "bad_value"),
    }  # fmt: skip
