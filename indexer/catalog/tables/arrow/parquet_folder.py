"""Parquet folders: a large table in several Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from indexer.catalog.fields import FieldType, join_types
from indexer.catalog.images import is_ignored, is_index_folder
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.arrow.parquet import ParquetTable
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, Table, TableDescription
from indexer.errors import CatalogError

__all__ = ["ParquetFolder", "parquet_files"]

_ENDINGS = frozenset({".parquet", ".pq"})


def parquet_files(folder: Path) -> list[Path]:
    """Return the Parquet files of a folder that holds nothing else, by name; else none.

    Ignored are hidden files, those that begin with an underscore (`_SUCCESS`, `_metadata`), what
    systems leave, and index folders.
    """
    files = sorted(
        path
        for path in folder.iterdir()
        if not (path.name.startswith("_") or is_ignored(path.name) or is_index_folder(str(path)))
    )
    only_parquet = all(path.suffix.lower() in _ENDINGS and path.is_file() for path in files)
    return files if only_parquet else []


class ParquetFolder(Table):
    """Parquet files read one after another; `line` is the row, from 1, counted through all files.

    Paths of images are below the folder. A column that a file lacks has no values there.

    Args:
        path: The folder.
        files: Its files, in order.

    Raises:
        CatalogError: A file is damaged.
        OSError: A file can't be read.
    """

    def __init__(self, path: Path, files: Sequence[Path]) -> None:
        super().__init__(path)
        self.root = path
        self._files = [ParquetTable(file) for file in files]
        self.columns = list(dict.fromkeys(n for file in self._files for n in file.columns or ()))

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return TableDescription("Parquet", part=f"{len(self._files):,} files")

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(file.count for file in self._files)

    def field_types(self, roles: Roles) -> Mapping[str, FieldType]:
        """Return the narrowest types that hold the values of every file."""
        types: dict[str, FieldType] = {}
        for file in self._files:
            for name, kind in file.field_types(roles).items():
                types[name] = join_types(types.get(name, kind), kind)
        return types

    def left_out(self, roles: Roles) -> tuple[str, ...]:
        """Return the columns of raw bytes other than the image columns."""
        return tuple(dict.fromkeys(name for file in self._files for name in file.left_out(roles)))

    def check_roles(self, roles: Roles) -> None:
        """As `Table.check_roles`, for every file."""
        for file in self._files:
            for name in roles.names:
                if name not in (file.columns or ()):
                    raise CatalogError(
                        f"{quote_for_message(file.name)} has no column {quote_for_message(name)}, "
                        "which other files of the folder have; export it again, or move it away"
                    )
            file.check_roles(roles)

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:
        """As `Table.records`."""
        before = 0
        for file in self._files:
            for record in file.records(roles):
                yield Record(before + record.line, record.values)
            before += file.count
