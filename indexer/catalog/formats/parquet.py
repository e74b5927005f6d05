"""Parquet catalogs: one Parquet file with one product a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.catalog.fields import FieldType, FieldValue
from indexer.catalog.formats.arrow_values import (
    Unreadable,
    field_type,
    field_values,
    id_values,
    image_values,
    is_id_type,
    is_image_type,
)
from indexer.catalog.formats.columns import check_columns
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.row_builder import RawImage, RowBuilder
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow
from indexer.errors import CatalogError

__all__ = ["ParquetCatalog", "open_parquet"]

# Rows are read in batches of about this many bytes, by the average row of the largest row group.
_BATCH_BYTES = 8 * 2**20
_MAX_BATCH_ROWS = 1024
# Column chunks are read through a buffer of this many bytes. Without one pyarrow would read them
# whole, and a catalog is often a single chunk of images.
_BUFFER_BYTES = 2**20


class ParquetCatalog(Catalog):
    """A Parquet file with one product a row; `line` is the row, from 1.

    The image column holds bytes, or text (a path or URL), or structs of `bytes` and `path` as the
    Hugging Face Hub writes them, or lists of any of these. Fields have the types of the schema:
    decimals become floats, dates and times ISO 8601 text, lists, structs and maps JSON text; NaN
    and infinities are missing values. Columns of raw bytes are left out.

    Args:
        path: The file.
        options: How to read it.

    Raises:
        CatalogError: The file is damaged, or a column is missing, named twice or of a wrong type.
        OSError: It can't be read.
    """

    def __init__(self, path: Path, options: CatalogOptions) -> None:
        super().__init__(path, options)
        self._builder = RowBuilder(path, options)
        with open_parquet(path) as file:
            self._schema: pa.Schema = file.schema_arrow
            self._row_count = int(file.metadata.num_rows)
            self._batch_rows = _batch_rows(file.metadata)
        check_columns(self.name, self._schema.names, options)
        self._check_types()

    @property
    def count(self) -> int:
        """The number of rows."""
        return self._row_count

    @cached_property
    def field_types(self) -> Mapping[str, FieldType]:
        """The fields' types, by the schema."""
        types = {name: field_type(self._schema.field(name).type) for name in self._field_names()}
        return {name: kind for name, kind in types.items() if kind is not None}

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The columns of raw bytes other than the image column."""
        return tuple(name for name in self._field_names() if name not in self.field_types)

    def _field_names(self) -> list[str]:
        own = (self._options.id_column, self._options.image_column)
        return [name for name in self._schema.names if name not in own]

    def _check_types(self) -> None:
        id_type = self._schema.field(self._options.id_column).type
        if not is_id_type(id_type):
            raise CatalogError(
                f"the id column {quote_for_message(self._options.id_column)} of "
                f"{quote_for_message(self.name)} is of type {id_type}; ids are text or whole "
                "numbers"
            )
        image_type = self._schema.field(self._options.image_column).type
        if not is_image_type(image_type):
            raise CatalogError(
                f"the image column {quote_for_message(self._options.image_column)} of "
                f"{quote_for_message(self.name)} is of type {image_type}; images are bytes, text, "
                "structs of bytes and path, or lists of these"
            )

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        return self.rows_after(0)

    def rows_after(self, before: int) -> Iterator[CatalogRow | BadRow]:
        """Yield the rows as `read_rows` does, numbered as if so many came before the file's."""
        wanted = [name for name in self._schema.names if name not in self.left_out]
        line = before + 1
        with open_parquet(self._path) as file:
            if not file.schema_arrow.equals(self._schema):
                raise CatalogError(
                    f"{quote_for_message(self.name)} changed while it was read; start again"
                )
            batches = file.iter_batches(self._batch_rows, columns=wanted, use_threads=False)
            for batch in batches:
                yield from self._rows_of(line, batch)
                line += batch.num_rows
        if line != before + self._row_count + 1:
            raise CatalogError(
                f"{quote_for_message(self.name)} declares {self._row_count:,} rows and has "
                f"{line - before - 1:,}; export it again"
            )

    def _rows_of(self, line: int, batch: pa.RecordBatch) -> Iterator[CatalogRow | BadRow]:
        ids = id_values(batch.column(self._options.id_column))
        images = image_values(batch.column(self._options.image_column))
        names = list(self.field_types)
        columns = [field_values(batch.column(name)) for name in names]
        # `zip` over no columns would yield no rows.
        rows = zip(*columns, strict=True) if names else repeat((), batch.num_rows)
        make: Callable[..., CatalogRow | BadRow] = self._row
        if not any(Unreadable in set(map(type, values)) for values in (ids, images, *columns)):
            make = self._builder.row
        for row, values in enumerate(rows):
            fields = dict(zip(names, values, strict=True))
            yield make(line + row, ids[row], images[row], fields)

    def _row(
        self,
        line: int,
        raw_id: object,
        images: list[RawImage] | Unreadable,
        fields: Mapping[str, FieldValue | Unreadable],
    ) -> CatalogRow | BadRow:
        if isinstance(raw_id, Unreadable):
            return self._builder.bad_row(line, None, raw_id.problem(self._options.id_column))
        if isinstance(images, Unreadable):
            return self._builder.bad_row(line, raw_id, images.problem(self._options.image_column))
        readable: dict[str, FieldValue] = {}
        for name, value in fields.items():
            if isinstance(value, Unreadable):
                return self._builder.bad_row(line, raw_id, value.problem(name))
            readable[name] = value
        return self._builder.row(line, raw_id, images, readable)


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file with pyarrow; damage found while it is open is a `CatalogError`.

    Yields:
        The `pyarrow.parquet.ParquetFile`.

    Raises:
        CatalogError: The file is damaged.
        OSError: It can't be read.
    """
    try:
        # pyarrow would also try a path as a URL; an open file can't be anything else.
        with path.open("rb") as source:
            yield pq.ParquetFile(
                source,
                buffer_size=_BUFFER_BYTES,
                pre_buffer=False,
                memory_map=False,
                page_checksum_verification=True,
            )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CatalogError(
            f"{quote_for_message(path.name)} is not a valid Parquet file, or is damaged; export "
            f"it again ({quote_for_message(str(error))})"
        ) from error


def _batch_rows(metadata: Any) -> int:
    largest = 1
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        largest = max(largest, group.total_byte_size // max(1, group.num_rows))
    return int(min(_MAX_BATCH_ROWS, max(1, _BATCH_BYTES // largest)))
