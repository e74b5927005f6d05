"""Table opening: chooses the format by the name of the file or folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

from indexer.catalog.images import is_ignored
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.arrow import ArrowFile, ParquetFolder, ParquetTable, parquet_files
from indexer.catalog.tables.files import plain_name, text_ending, text_head
from indexer.catalog.tables.sheets import Spreadsheet
from indexer.catalog.tables.sqlite_table import SqliteTable
from indexer.catalog.tables.table import Table, TableOptions
from indexer.catalog.tables.text import DelimitedTable, JsonFile, JsonLinesTable, TextFile
from indexer.catalog.tables.webdataset import WebDataset
from indexer.catalog.tables.xml_items import XmlItems
from indexer.errors import CatalogError

__all__ = ["open_table"]


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
        head = text_head(path)
        if ending in _DELIMITED:
            ending = text_ending(head) or ending
        if ending in _BY_ENDING:
            return _BY_ENDING[ending](path, options)
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
