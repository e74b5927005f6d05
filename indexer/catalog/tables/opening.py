"""Table opening: chooses the format by the name of the file or folder."""

from __future__ import annotations

from pathlib import Path, PurePath

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.arrow import ParquetFolder, ParquetTable, parquet_files
from indexer.catalog.tables.compression import open_bytes, plain_name
from indexer.catalog.tables.table import Table, TableOptions
from indexer.catalog.tables.text import DelimitedTable, JsonLinesTable, TextFile
from indexer.catalog.tables.xml_items import XmlItems
from indexer.errors import CatalogError

__all__ = ["open_table"]


_HEAD_BYTES = 16
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
_PARQUET = frozenset({".parquet", ".pq"})
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
        files = parquet_files(path)
        return ParquetFolder(path, files) if files else None
    if not path.exists():
        raise CatalogError(f"there is no file or folder {str(path)!r}; check the path")
    if not path.is_file():
        raise CatalogError(f"{str(path)!r} is neither a file nor a folder")
    ending = PurePath(plain_name(path)).suffix.lower()
    if ending in _DELIMITED | _JSON_LINES:
        _refuse_binary(path)
        if ending in _JSON_LINES:
            # JSON is Unicode (RFC 8259): nothing is guessed.
            return JsonLinesTable(TextFile(path, options.encoding, unicode=True))
        return DelimitedTable(TextFile(path, options.encoding), options.delimiter)
    if ending == ".xml":
        return XmlItems(path)
    if ending in _PARQUET:
        return ParquetTable(path)
    raise CatalogError(
        f"{quote_for_message(path.name)} has an unknown format; a catalog is a folder of images "
        "or a file that ends in .csv, .tsv, .jsonl or .parquet"
    )


def _refuse_binary(path: Path) -> None:
    """Refuse a file that has the name of a text file, and the first bytes of something else."""
    with open_bytes(path) as file:
        head = file.read(_HEAD_BYTES)
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise CatalogError(
                f"{quote_for_message(path.name)} is named like text, but is {what}; give it the "
                "right ending, or export it again as CSV"
            )
