"""Catalogs that are a folder of Parquet files, as large tables are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from indexer.catalog.fields import FieldType, join_types
from indexer.catalog.formats.parquet import ParquetCatalog
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow

__all__ = ["ShardedCatalog", "shards_of"]

_ENDINGS = frozenset({".parquet", ".pq"})


def shards_of(folder: Path) -> list[Path]:
    """The Parquet files of a folder that holds nothing else, by name; else none.

    Hidden files and those that begin with an underscore (`_SUCCESS`, `_metadata`) don't count.
    """
    files = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    parquet = all(path.suffix.lower() in _ENDINGS and path.is_file() for path in files)
    return files if parquet else []


class ShardedCatalog(Catalog):
    """Parquet files one after another; `line` is the row, from 1, counted through all of them.

    Paths in the image column are below the folder. A column that some files lack has no value
    there.

    Args:
        path: The folder.
        options: How it is read.
        files: Its files, in order.

    Raises:
        CatalogError: As of a single file.
        OSError: One can't be read.
    """

    def __init__(self, path: Path, options: CatalogOptions, files: list[Path]) -> None:
        super().__init__(path, options)
        self._shards = [ParquetCatalog(file, options) for file in files]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(shard.count for shard in self._shards)

    @cached_property
    def field_types(self) -> Mapping[str, FieldType]:
        """The fields' types that hold the values of every file."""
        types: dict[str, FieldType] = {}
        for shard in self._shards:
            for name, kind in shard.field_types.items():
                types[name] = join_types(types.get(name, kind), kind)
        return types

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The columns of raw bytes beside the image column."""
        return tuple(dict.fromkeys(name for shard in self._shards for name in shard.left_out))

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        before = 0
        for shard in self._shards:
            for row in shard.read_rows():
                yield replace(row, line=row.line + before)
            before += shard.count
