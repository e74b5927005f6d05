"""Arrow tables: one Arrow IPC file (Feather), or one Arrow stream as Datasets caches it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from indexer.catalog.tables.arrow.schema_table import SchemaTable, damage_refused, records_of
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, TableDescription

__all__ = ["ArrowFile"]

_MAGIC = b"ARROW1"
_SLICE_ROWS = 256


class ArrowFile(SchemaTable):
    """An Arrow file or stream; the `line` of a record is its row, from 1.

    Args:
        path: The file.

    Raises:
        CatalogError: The file is damaged.
        OSError: It can't be read.
    """

    def __init__(self, path: Path) -> None:
        with _batches(path) as (schema, _):
            super().__init__(path, schema)

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return TableDescription("Arrow")

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:
        """As `Table.records`."""
        wanted = self.wanted(roles)
        line = 1
        with _batches(self.path) as (schema, batches):
            self.check_schema(schema)
            for batch in batches:
                # Offsets of a damaged file would lead out of its memory.
                batch.validate(full=True)
                for start in range(0, batch.num_rows, _SLICE_ROWS):
                    part = batch.select(wanted).slice(start, _SLICE_ROWS)
                    yield from records_of(line, part, roles.id if roles is not None else None)
                    line += part.num_rows


@contextmanager
def _batches(path: Path) -> Iterator[tuple[pa.Schema, Iterator[Any]]]:
    """Open a file; damage found while it is open is a `CatalogError`."""
    with damage_refused(path, "Arrow"), path.open("rb") as file:
        is_file = file.read(len(_MAGIC)) == _MAGIC
        file.seek(0)
        if is_file:
            with pa.ipc.open_file(file) as reader:
                numbers = range(reader.num_record_batches)
                yield reader.schema, (reader.get_batch(number) for number in numbers)
        else:
            with pa.ipc.open_stream(file) as reader:
                yield reader.schema, iter(reader)
