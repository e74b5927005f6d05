"""Catalog opening: a folder of images, or a table whose records are products."""

from __future__ import annotations

from pathlib import Path

from indexer.catalog.feeds import as_feed
from indexer.catalog.image_folder import ImageFolderCatalog
from indexer.catalog.images import is_index_folder
from indexer.catalog.products import TableCatalog
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Catalog, CatalogOptions
from indexer.catalog.tables import TableOptions, open_table
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
    name = options.id_column
    if not path.is_dir() and name is not None and name == options.image_column:
        raise CatalogError(
            f"{quote_for_message(name)} can't be both the id column and the image column"
        )
    if path.is_dir() and is_index_folder(str(path)):
        raise CatalogError(
            f"{str(path)!r} is an index, not a catalog; give the folder or file it was built of"
        )
    table = open_table(path, TableOptions(options.encoding, options.delimiter, options.sheet))
    if table is None:
        return ImageFolderCatalog(path, options)
    named = (options.id_column, options.image_column) != (
        _DEFAULTS.id_column,
        _DEFAULTS.image_column,
    )
    # Who names the columns means them, whatever feed it looks like.
    return TableCatalog(table if named else as_feed(table), options)
