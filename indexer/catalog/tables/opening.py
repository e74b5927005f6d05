"""Table opening: chooses the format by the name of the file or folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePath

from indexer.catalog.images import is_ignored
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.arrow import ArrowFile, ParquetFolder, ParquetTable, parquet_files
from indexer.catalog.tables.compression import open_bytes, plain_name
from indexer.catalog.tables.sheets import Spreadsheet
from indexer.catalog.tables.sqlite_table import SqliteTable
from indexer.catalog.tables.table import Table, TableOptions
from indexer.catalog.tables.text import DelimitedTable, JsonFile, JsonLinesTable, TextFile
from indexer.catalog.tables.webdataset import WebDataset
from indexer.catalog.tables.xml_items import XmlItems
from indexer.errors import CatalogError

__all__ = ["open_table"]


_HEAD_BYTES = 512
# After a byte order mark and blanks.
_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*\{|\{\s*")')
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|rss|feed)\b", re.IGNORECASE)
_BINARY = {
    b"PK\3\4": "a zip archive or a spreadsheet (.xlsx, .ods)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
}
_DELIMITED = frozenset({".csv", ".tsv", ".tab", ".psv", ".txt"})
_JSON_LINES = frozenset({".jsonl", ".ndjson"})
_BY_ENDING: dict[str, Callable[[Path, TableOptions], Table]] = {
    **dict.fromkeys((".parquet", ".pq"), lambda path, _: ParquetTable(path)),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), lambda path, _: ArrowFile(path)),
    **dict.fromkeys(
        (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
        lambda path, options: Spreadsheet(path, options.sheet),
    ),
    **dict.fromkeys(
        (".sqlite", ".sqlite3", ".db"), lambda path, options: SqliteTable(path, options.sheet)
    ),
    **dict.fromkeys((".tar", ".tgz"), lambda path, _: WebDataset(path, [path])),
    ".json": lambda path, _: JsonFile(path),
    ".xml": lambda path, _: XmlItems(path),
}
_DEFAULTS = TableOptions()


def open_table(path: Path, options: TableOptions = _DEFAULTS) -> Table | None:
    """Open a file, or a folder of Parquet files, as a table.

    Text may be compressed: `products.csv.gz`, or a zip archive with one table in it.

    Returns:
        The table; None for a folder that holds anything else.

    Raises:
        CatalogError: There is no such file, its format is unknown, or it is damaged.
        OSError: It can't be read.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise CatalogError(f"there is no file or folder {str(path)!r}; check the path")
    if not path.is_file():
        raise CatalogError(f"{str(path)!r} is neither a file nor a folder")
    ending = PurePath(plain_name(path)).suffix.lower()
    if ending in _DELIMITED | _JSON_LINES:
        head = _text_head(path)
        if ending in _DELIMITED and (read_as := _markup_of(head)):
            return _BY_ENDING[read_as](path, options)
        if ending in _JSON_LINES:
            # JSON is Unicode (RFC 8259): nothing is guessed.
            return JsonLinesTable(TextFile(path, options.encoding, unicode=True))
        return DelimitedTable(TextFile(path, options.encoding), options.delimiter)
    if ending in _BY_ENDING:
        return _BY_ENDING[ending](path, options)
    raise CatalogError(
        f"{quote_for_message(path.name)} has an unknown format; a catalog is a folder of images, "
        "or a file whose name ends in .csv, .tsv, .txt, .jsonl, .json, .xml, .xlsx, .ods, "
        ".parquet, .arrow, .feather, .sqlite or .tar"
    )


def _open_folder(path: Path) -> Table | None:
    if files := parquet_files(path):
        return ParquetFolder(path, files)
    names = [entry for entry in sorted(path.iterdir()) if not is_ignored(entry.name)]
    archives = [entry for entry in names if entry.suffix.lower() == ".tar"]
    # img2dataset writes a table and counts beside each archive.
    beside = {f"{entry.stem}{end}" for entry in archives for end in (".parquet", "_stats.json")}
    if archives and all(entry in archives or entry.name in beside for entry in names):
        return WebDataset(path, archives)
    return None


def _text_head(path: Path) -> bytes:
    """Return the first bytes of a file that has the name of a text file.

    Raises:
        CatalogError: They are those of something else.
    """
    with open_bytes(path) as file:
        head = file.read(_HEAD_BYTES)
    what = next((what for magic, what in _BINARY.items() if head.startswith(magic)), None)
    if what is None and _WEB_PAGE.match(head):
        what = "a web page, such as an error or a form to log in"
    if what is not None:
        raise CatalogError(
            f"{quote_for_message(path.name)} is named like text, but is {what}; give it the "
            "right ending, or export it again as CSV"
        )
    return head


def _markup_of(head: bytes) -> str | None:
    """Return the ending of the format that the first bytes of a text are in; None for CSV."""
    if _JSON.match(head):
        return ".json"
    return ".xml" if _XML.match(head) else None
