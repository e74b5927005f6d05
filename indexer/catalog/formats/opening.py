"""Catalog opening: chooses the format by the name of the file or folder."""

from __future__ import annotations

from pathlib import Path

from indexer.catalog.formats.delimited import DelimitedCatalog
from indexer.catalog.formats.image_folder import ImageFolderCatalog
from indexer.catalog.formats.jsonl import JsonLinesCatalog
from indexer.catalog.formats.parquet import ParquetCatalog
from indexer.catalog.formats.parquet_folder import ParquetFolderCatalog, parquet_files
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Catalog, CatalogOptions
from indexer.errors import CatalogError

__all__ = ["open_catalog"]

_DEFAULTS = CatalogOptions()


def open_catalog(path: Path, options: CatalogOptions = _DEFAULTS) -> Catalog:
    """Open a catalog: a folder of images or Parquet files, or a CSV, TSV, JSONL or Parquet file.

    Args:
        path: The folder, or a file whose ending tells its format: `.csv`, `.tsv`, `.jsonl`,
            `.ndjson`, `.parquet` or `.pq`, in any case.
        options: How to read it.

    Raises:
        CatalogError: There is no such file, its format is unknown, a column is missing or named
            twice, the file is damaged, or it has no rows.
    """
    try:
        catalog = _open(path, options)
        first = next(catalog.rows(), None)
    except OSError as error:
        raise CatalogError(f"{str(path)!r} can't be read: {error.strerror or error}") from error
    if first is None:
        raise CatalogError(f"{str(path)!r} has no rows; there is nothing to index")
    return catalog


def _open(path: Path, options: CatalogOptions) -> Catalog:
    if path.is_dir():
        if files := parquet_files(path):
            return ParquetFolderCatalog(path, options, files)
        return ImageFolderCatalog(path, options)
    if not path.exists():
        raise CatalogError(f"there is no file or folder {str(path)!r}; check the path")
    if not path.is_file():
        raise CatalogError(f"{str(path)!r} is neither a file nor a folder")
    if options.id_column == options.image_column:
        raise CatalogError(
            f"{quote_for_message(options.id_column)} can't be both the id column and the image "
            "column"
        )
    match path.suffix.lower():
        case ".csv":
            return DelimitedCatalog(path, options, ",")
        case ".tsv":
            return DelimitedCatalog(path, options, "\t")
        case ".jsonl" | ".ndjson":
            return JsonLinesCatalog(path, options)
        case ".parquet" | ".pq":
            return ParquetCatalog(path, options)
    raise CatalogError(
        f"{quote_for_message(path.name)} has an unknown format; a catalog is a folder of images "
        "or a file that ends in .csv, .tsv, .jsonl or .parquet"
    )
