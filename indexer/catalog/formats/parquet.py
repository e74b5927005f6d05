"""Catalogs in Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
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
from indexer.catalog.formats.text_lines import MAX_FIELDS
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.row_builder import Assembler, RawImage
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow
from indexer.errors import CatalogError

__all__ = ["ParquetCatalog"]

# Rows are read in batches of about this many bytes, by the average row of the largest row group.
_BATCH_BYTES = 8 * 2**20
_MAX_BATCH_ROWS = 1024
# Column chunks are read through a buffer of this many bytes; without one pyarrow would read them
# whole, and a catalog is often a single chunk of pictures.
_BUFFER_BYTES = 2**20


class ParquetCatalog(Catalog):
    """A Parquet file with one product a row; `line` is the row, from 1.

    The image column holds bytes, or text (a path or URL), or structs of `bytes` and `path` as the
    Hugging Face Hub writes them, or lists of any of these. Fields have the types of the schema:
    decimals become floats, dates and times ISO 8601 text, lists, structs and maps JSON text; NaN
    and infinities are missing values. Columns of raw bytes are left out.

    Args:
        path: The file.
        options: How it is read.

    Raises:
        CatalogError: The file is damaged, a column is missing, named twice or of a wrong type.
        OSError: It can't be read.
    """

    def __init__(self, path: Path, options: CatalogOptions) -> None:
        super().__init__(path, options)
        self._assembler = Assembler(path, options)
        with self._opened() as file:
            self._schema: pa.Schema = file.schema_arrow
            self._rows_in_file = int(file.metadata.num_rows)
            self._batch_rows = _batch_rows(file.metadata)
        self._check_columns()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._rows_in_file

    @cached_property
    def field_types(self) -> Mapping[str, FieldType]:
        """The fields' types, by the schema."""
        found = {name: field_type(self._schema.field(name).type) for name in self._field_names()}
        return {name: kind for name, kind in found.items() if kind is not None}

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The columns of raw bytes beside the image column."""
        return tuple(name for name in self._field_names() if name not in self.field_types)

    def _field_names(self) -> list[str]:
        own = (self._options.id_column, self._options.image_column)
        return [name for name in self._schema.names if name not in own]

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Open the file with pyarrow, whose complaints become `CatalogError`."""
        try:
            # pyarrow would try a path as a URL as well; an open file is nothing but the file.
            with self._path.open("rb") as source:
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
                f"{quote_for_message(self.name)} is no Parquet file, or is damaged; write it anew "
                f"({quote_for_message(str(error))})"
            ) from error

    def _check_columns(self) -> None:
        names = self._schema.names
        for wanted in (self._options.id_column, self._options.image_column):
            if wanted not in names:
                raise CatalogError(
                    f"{quote_for_message(self.name)} has no column {quote_for_message(wanted)}; "
                    "its columns are "
                    f"{', '.join(map(quote_for_message, names[:20]))}; name the right ones with "
                    "--id-column "
                    "and --image-column"
                )
        if "" in names:
            raise CatalogError(
                f"column {names.index('') + 1} of {quote_for_message(self.name)} has no name; "
                "name it"
            )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise CatalogError(
                f"{quote_for_message(self.name)} has more than one column named "
                f"{', '.join(map(quote_for_message, twice))}; give every column its own name"
            )
        if len(names) > MAX_FIELDS:
            raise CatalogError(
                f"{quote_for_message(self.name)} has {len(names):,} columns; up to "
                f"{MAX_FIELDS:,} are allowed"
            )
        self._check_types()

    def _check_types(self) -> None:
        id_type = self._schema.field(self._options.id_column).type
        if not is_id_type(id_type):
            raise CatalogError(
                f"the id column {quote_for_message(self._options.id_column)} of "
                f"{quote_for_message(self.name)} is of type "
                f"{id_type}; ids are text or whole numbers"
            )
        image_type = self._schema.field(self._options.image_column).type
        if not is_image_type(image_type):
            raise CatalogError(
                f"the image column {quote_for_message(self._options.image_column)} of "
                f"{quote_for_message(self.name)} is "
                f"of type {image_type}; pictures are bytes, text, structs of bytes and path, or "
                "lists of these"
            )

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        wanted = [name for name in self._schema.names if name not in self.left_out]
        line = 1
        with self._opened() as file:
            if not file.schema_arrow.equals(self._schema):
                raise CatalogError(
                    f"{quote_for_message(self.name)} changed while it was read; start again"
                )
            batches = file.iter_batches(self._batch_rows, columns=wanted, use_threads=False)
            for batch in batches:
                yield from self._rows_of(line, batch)
                line += batch.num_rows
        if line != self._rows_in_file + 1:
            raise CatalogError(
                f"{quote_for_message(self.name)} declares {self._rows_in_file:,} rows and has "
                f"{line - 1:,}; "
                "write it anew"
            )

    def _rows_of(self, line: int, batch: pa.RecordBatch) -> Iterator[CatalogRow | BadRow]:
        ids = id_values(batch.column(self._options.id_column))
        images = image_values(batch.column(self._options.image_column))
        columns = {name: field_values(batch.column(name)) for name in self.field_types}
        for at in range(batch.num_rows):
            fields = {name: values[at] for name, values in columns.items()}
            yield self._row(line + at, ids[at], images[at], fields)

    def _row(
        self,
        line: int,
        raw_id: object,
        images: list[RawImage] | Unreadable,
        fields: Mapping[str, FieldValue | Unreadable],
    ) -> CatalogRow | BadRow:
        if isinstance(raw_id, Unreadable):
            return self._assembler.broken(line, None, raw_id.problem(self._options.id_column))
        if isinstance(images, Unreadable):
            return self._assembler.broken(line, raw_id, images.problem(self._options.image_column))
        whole: dict[str, FieldValue] = {}
        for name, value in fields.items():
            if isinstance(value, Unreadable):
                return self._assembler.broken(line, raw_id, value.problem(name))
            whole[name] = value
        return self._assembler.row(line, raw_id, images, whole)


def _batch_rows(metadata: Any) -> int:
    largest = 1
    for at in range(metadata.num_row_groups):
        group = metadata.row_group(at)
        largest = max(largest, group.total_byte_size // max(1, group.num_rows))
    return int(min(_MAX_BATCH_ROWS, max(1, _BATCH_BYTES // largest)))
