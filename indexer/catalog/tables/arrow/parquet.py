"""Parquet tables: one Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.arrow.schema_table import SchemaTable, damage_refused, records_of
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, TableDescription
from indexer.errors import CatalogError

__all__ = ["ParquetTable"]

# Rows are read in batches of about this many bytes, by the average row of the largest row group.
_BATCH_BYTES = 8 * 2**20
_MAX_BATCH_ROWS = 1024
# Column chunks are read through a buffer of this many bytes. Without one pyarrow would read them
# whole, and a catalog is often a single chunk of images.
_BUFFER_BYTES = 2**20


class ParquetTable(SchemaTable):
    """A Parquet file; the `line` of a record is its row, from 1.

    Fields have the types of the schema. Columns of raw bytes are left out unless they have a role:
    images may be bytes, text (a path or URL), structs of `bytes` and `path` as the Hugging Face Hub
    writes them, or lists of any of these.

    Args:
        path: The file.

    Raises:
        CatalogError: The file is damaged.
        OSError: It can't be read.
    """

    def __init__(self, path: Path) -> None:
        with _open_parquet(path) as file:
            super().__init__(path, file.schema_arrow)
            self._row_count = int(file.metadata.num_rows)
            self._batch_rows = _batch_rows(file.metadata)

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return TableDescription("Parquet")

    @property
    def count(self) -> int:
        """The number of rows."""
        return self._row_count

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:
        """As `Table.records`."""
        wanted = self.wanted(roles)
        line = 1
        with _open_parquet(self.path) as file:
            self.check_schema(file.schema_arrow)
            batches = file.iter_batches(self._batch_rows, columns=wanted, use_threads=False)
            for batch in batches:
                yield from records_of(line, batch, roles.id if roles is not None else None)
                line += batch.num_rows
        if line != self._row_count + 1:
            raise CatalogError(
                f"{quote_for_message(self.name)} declares {self._row_count:,} rows and has "
                f"{line - 1:,}; export it again"
            )


@contextmanager
def _open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file with pyarrow; damage found while it is open is a `CatalogError`.

    Yields:
        The `pyarrow.parquet.ParquetFile`.

    Raises:
        CatalogError: The file is damaged.
        OSError: It can't be read.
    """
    # pyarrow would also try a path as a URL; an open file can't be anything else.
    with damage_refused(path, "Parquet"), path.open("rb") as source:
        yield pq.ParquetFile(
            source,
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            memory_map=False,
            page_checksum_verification=True,
        )


def _batch_rows(metadata: Any) -> int:
    largest = 1
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        largest = max(largest, group.total_byte_size // max(1, group.num_rows))
    return int(min(_MAX_BATCH_ROWS, max(1, _BATCH_BYTES // largest)))
