"""Table opening: chooses the format by the name of the file or folder."""

from __future__ import annotations

from pathlib import Path

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.arrow import ParquetFolder, ParquetTable, parquet_files
from indexer.catalog.tables.table import Table
from indexer.catalog.tables.text import DelimitedTable, JsonLinesTable
from indexer.errors import CatalogError

__all__ = ["open_table"]


def open_table(path: Path) -> Table | None:
    """Open a file, or a folder of Parquet files, as a table.

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
    match path.suffix.lower():
        case ".csv":
            return DelimitedTable(path, ",")
        case ".tsv":
            return DelimitedTable(path, "\t")
        case ".jsonl" | ".ndjson":
            return JsonLinesTable(path)
        case ".parquet" | ".pq":
            return ParquetTable(path)
    raise CatalogError(
        f"{quote_for_message(path.name)} has an unknown format; a catalog is a folder of images "
        "or a file that ends in .csv, .tsv, .jsonl or .parquet"
    )
