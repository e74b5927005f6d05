"""Writers of tables: the same rows in each file format, as other programs write them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from scripts.benchmarks.catalogs.shop import Value

__all__ = ["FORMATS", "Sheet", "TextStyle", "compressed", "delimited", "write_format"]


@dataclass(frozen=True)
class Sheet:
    """Columns and rows of a table.

    Attributes:
        columns: Their names.
        rows: A value for each column.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]

    def records(self) -> list[dict[str, Value]]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class TextStyle:
    """How delimited text is written.

    Attributes:
        delimiter: Between cells.
        encoding: Name of the codec, with a byte order mark where `mark` says so.
        mark: Whether it begins with a byte order mark.
        line_end: After each row.
        quoting: As the module `csv` has it.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    mark: bool = False
    line_end: str = "\n"
    quoting: int = csv.QUOTE_MINIMAL


def delimited(sheet: Sheet, style: TextStyle) -> bytes:
    """Return a table as delimited text."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=style.delimiter,
        lineterminator=style.line_end,
        quoting=style.quoting,  # type: ignore[arg-type]
    )
    writer.writerow(sheet.columns)
    writer.writerows([_cell(value) for value in row] for row in sheet.rows)
    mark = "\ufeff" if style.mark else ""
    return (mark + text.getvalue()).encode(style.encoding)


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def compressed(data: bytes, ending: str, name: str) -> bytes:
    """Return data as `gz`, `bz2`, `zst` or `zip` would hold it; as it is for the empty ending."""
    if ending == "gz":
        return gzip.compress(data)
    if ending == "bz2":
        return bz2.compress(data)
    if ending == "zst":
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, "zstd") as stream:
            stream.write(data)
        return bytes(out.getvalue())
    if ending == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
            archive.writestr(f"__MACOSX/._{name}", b"\0")
        return buffer.getvalue()
    return data


def write_format(kind: str, path: Path, sheet: Sheet) -> Path:
    """Write a table in a format of `FORMATS`; returns the file, with the format's ending."""
    ending, write = FORMATS[kind]
    file = path.with_name(f"{path.name}.{ending}")
    write(file, sheet)
    return file


def _json_array(path: Path, sheet: Sheet) -> None:
    path.write_text(json.dumps(sheet.records(), ensure_ascii=False, indent=1), "utf-8")


def _json_object(path: Path, sheet: Sheet) -> None:
    path.write_text(json.dumps({"total": 1, "products": sheet.records()}), "utf-8")


def _json_lines(path: Path, sheet: Sheet) -> None:
    lines = (json.dumps(record, ensure_ascii=False) for record in sheet.records())
    path.write_text("\r\n".join(lines), "utf-8")


def _table(sheet: Sheet) -> pa.Table:
    return pa.Table.from_pylist(sheet.records())


def _parquet(path: Path, sheet: Sheet) -> None:
    pq.write_table(_table(sheet), path, row_group_size=5)


def _parquet_categories(path: Path, sheet: Sheet) -> None:
    table = _table(sheet)
    texts = [column.type == pa.string() for column in table.columns]
    columns = [
        column.dictionary_encode() if is_text else column
        for column, is_text in zip(table.columns, texts, strict=True)
    ]
    pq.write_table(pa.table(columns, names=table.column_names), path)


def _arrow_stream(path: Path, sheet: Sheet) -> None:
    table = _table(sheet)
    with path.open("wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)


def _feather(path: Path, sheet: Sheet) -> None:
    pyarrow.feather.write_feather(_table(sheet), str(path))


def _sqlite(path: Path, sheet: Sheet) -> None:
    path.unlink(missing_ok=True)
    booleans = [isinstance(value, bool) for value in sheet.rows[0]]
    names = ", ".join(
        f'"{name}"{" BOOLEAN" if is_boolean else ""}'
        for name, is_boolean in zip(sheet.columns, booleans, strict=True)
    )
    marks = ", ".join("?" for _ in sheet.columns)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE products ({names})")
        rows = [
            [json.dumps(value) if isinstance(value, list) else value for value in row]
            for row in sheet.rows
        ]
        database.executemany(f"INSERT INTO products VALUES ({marks})", rows)


def _xml(path: Path, sheet: Sheet) -> None:
    def element(name: str, value: Value) -> str:
        values = value if isinstance(value, list) else [value]
        tag = name.replace(" ", "_")
        return "".join(f"<{tag}>{escape(_cell(item))}</{tag}>" for item in values)

    items = "".join(
        f"<item>{''.join(element(*entry) for entry in record.items())}</item>\n"
        for record in sheet.records()
    )
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<products>{items}</products>', "utf-8"
    )


def _webdataset(path: Path, sheet: Sheet) -> None:
    """The first column is the key, the second the name of a picture, whose bytes are that name."""
    with tarfile.open(path, "w") as archive:
        for record in sheet.records():
            key, picture, *_ = (str(value) for value in record.values())
            fields = dict(list(record.items())[2:])
            _add(archive, f"{key}.jpg", picture.encode())
            _add(archive, f"{key}.json", json.dumps(fields, ensure_ascii=False).encode())


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _xlsx(path: Path, sheet: Sheet) -> None:
    def cell(value: Value) -> str:
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value!r}</v></c>"
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(_cell(value))}</t></is></c>'

    rows = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in [sheet.columns, *sheet.rows])
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r0" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Products" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData>'
        "</worksheet>",
    }
    _zip(path, parts)


def _ods(path: Path, sheet: Sheet) -> None:
    name = "urn:oasis:names:tc:opendocument:xmlns"

    def cell(value: Value) -> str:
        if isinstance(value, bool):
            word = "true" if value else "false"
            return (
                f'<table:table-cell office:value-type="boolean" office:boolean-value="{word}">'
                f"<text:p>{word.upper()}</text:p></table:table-cell>"
            )
        if isinstance(value, int | float):
            return (
                f'<table:table-cell office:value-type="float" office:value="{value!r}">'
                f"<text:p>{value!r}</text:p></table:table-cell>"
            )
        text = escape(_cell(value))
        return (
            f'<table:table-cell office:value-type="string"><text:p>{text}</text:p>'
            "</table:table-cell>"
            if text
            else "<table:table-cell/>"
        )

    rows = "".join(
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>"
        for row in [sheet.columns, *sheet.rows]
    )
    content = (
        f'<office:document-content xmlns:office="{name}:office:1.0" '
        f'xmlns:table="{name}:table:1.0" xmlns:text="{name}:text:1.0" office:version="1.3">'
        f'<office:body><office:spreadsheet><table:table table:name="Products">{rows}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{name}:manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    _zip(path, {"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def _zip(path: Path, parts: Mapping[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def _text(delimiter: str) -> Callable[[Path, Sheet], None]:
    return lambda path, sheet: _write_bytes(path, delimited(sheet, TextStyle(delimiter)))


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


FORMATS: Mapping[str, tuple[str, Callable[[Path, Sheet], None]]] = {
    "csv": ("csv", _text(",")),
    "csv semicolons": ("csv", _text(";")),
    "tsv": ("tsv", _text("\t")),
    "json array": ("json", _json_array),
    "json object": ("json", _json_object),
    "json lines": ("jsonl", _json_lines),
    "parquet": ("parquet", _parquet),
    "parquet categories": ("parquet", _parquet_categories),
    "arrow stream": ("arrow", _arrow_stream),
    "feather": ("feather", _feather),
    "sqlite": ("sqlite", _sqlite),
    "xml": ("xml", _xml),
    "xlsx": ("xlsx", _xlsx),
    "ods": ("ods", _ods),
    "webdataset": ("tar", _webdataset),
}
"""Formats by name: the ending of the file, and what writes it."""
