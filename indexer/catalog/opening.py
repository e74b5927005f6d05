"""Catalog opening: a folder of images, or a table whose records are products."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from indexer.catalog.feeds import as_feed
from indexer.catalog.image_folder import ImageFolderCatalog
from indexer.catalog.images import copy_stored, is_index_folder, matching_stored, stored_url
from indexer.catalog.products import SeveralCatalogs, TableCatalog
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Catalog, CatalogOptions
from indexer.catalog.tables import TableOptions, open_table
from indexer.catalog.tables.files import (
    STANDARD_INPUT,
    matching_paths,
    save_standard_input,
    tables_of_folder,
)
from indexer.errors import CatalogError

__all__ = ["open_catalog"]

_DEFAULTS = CatalogOptions()


def open_catalog(path: Path | Sequence[Path], options: CatalogOptions = _DEFAULTS) -> Catalog:
    """Open a catalog: a folder of images or of tables, a file, or several of these as one.

    Args:
        path: A folder, or a file whose ending tells its format, such as `.csv`, `.jsonl`, `.xlsx`
            or `.parquet`; `-` for standard input, whose format is found; a file in object storage,
            such as `s3://bucket/a.csv`; a pattern such as `feeds/*.csv`; or several of these.
        options: How to read it.

    Raises:
        CatalogError: There is no such file, its format is unknown, a column is missing or named
            twice, the file is damaged, or it has no rows.
    """
    given = [path] if isinstance(path, Path) else list(path)
    shown = ", ".join(repr(str(one)) for one in given)
    try:
        catalog = _open_all(given, options)
        first = next(catalog.rows(), None)
    except OSError as error:
        raise CatalogError(f"{shown} can't be read: {error.strerror or error}") from error
    if first is None:
        raise CatalogError(f"{shown} has no rows; there is nothing to index")
    return catalog


def _open_all(paths: Sequence[Path], options: CatalogOptions) -> Catalog:
    if not paths:
        raise CatalogError("no catalog is given; name a file or a folder")
    stored = [url for path in paths if (url := stored_url(path)) is not None]
    urls = dict.fromkeys(name for each in stored for name in matching_stored(each))
    catalogs = [_open_stored(url, options) for url in urls]
    for path in matching_paths([path for path in paths if stored_url(path) is None]):
        tables = tables_of_folder(path) if path.is_dir() and not is_index_folder(str(path)) else []
        catalogs += [_open(table, options) for table in tables or [path]]
    return catalogs[0] if len(catalogs) == 1 else SeveralCatalogs(catalogs, options)


def _open_stored(url: str, options: CatalogOptions) -> Catalog:
    """Open a file in object storage by a copy of it; paths of images begin in its folder there."""
    saved = tempfile.TemporaryDirectory(prefix="lookalike-")
    copy = copy_stored(url, Path(saved.name))
    catalog = _open(copy, replace(options, folder=url.rpartition("/")[0]))
    weakref.finalize(catalog, saved.cleanup)
    return catalog


def _open_standard_input(options: CatalogOptions) -> Catalog:
    """Open standard input; paths of images begin in the working folder."""
    saved = tempfile.TemporaryDirectory(prefix="lookalike-")
    catalog = _open(save_standard_input(Path(saved.name)), replace(options, folder=Path.cwd()))
    catalog.name = "standard input"
    # Removed with the catalog, or when the process ends.
    weakref.finalize(catalog, saved.cleanup)
    return catalog


def _open(path: Path, options: CatalogOptions) -> Catalog:
    if path == STANDARD_INPUT:
        return _open_standard_input(options)
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
