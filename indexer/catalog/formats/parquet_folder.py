"""Parquet folder catalogs: a large table in several Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from indexer.catalog.fields import FieldType, join_types
from indexer.catalog.formats.parquet import ParquetCatalog
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow

__all__ = ["ParquetFolderCatalog", "parquet_files"]

_ENDINGS = frozenset({".parquet", ".pq"})


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder that holds nothing else, by name; else none.

    Hidden files and those that begin with an underscore (`_SUCCESS`, `_metadata`) are ignored.
    """
    files = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    only_parquet = all(path.suffix.lower() in _ENDINGS and path.is_file() for path in files)
    return files if only_parquet else []


class ParquetFolderCatalog(Catalog):
    """Parquet files read one after another; `line` is the row, from 1, counted through all files.

    Paths in the image column are below the folder. A column that a file lacks has no values there.

    Args:
        path: The folder.
        options: How to read it.
        files: Its files, in order.

    Raises:
        CatalogError: As `ParquetCatalog`.
        OSError: A file can't be read.
    """

    def __init__(self, path: Path, options: CatalogOptions, files: list[Path]) -> None:
        super().__init__(path, options)
        self._files = [ParquetCatalog(file, options) for file in files]

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(file.count for file in self._files)

    @cached_property
    def field_types(self) -> Mapping[str, FieldType]:
        """The narrowest types that hold the values of every file."""
        types: dict[str, FieldType] = {}
        for file in self._files:
            for name, kind in file.field_types.items():
                types[name] = join_types(types.get(name, kind), kind)
        return types

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The columns of raw bytes other than the image column."""
        return tuple(dict.fromkeys(name for file in self._files for name in file.left_out))

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        before = 0
        for file in self._files:
            yield from file.rows_after(before)
            before += file.count
