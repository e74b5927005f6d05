"""Tables with a schema: which columns can be ids, images and fields, by their Arrow types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from indexer.catalog.fields import FieldType
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.arrow.arrow_values import (
    can_be_field,
    field_types,
    id_values,
    is_id_type,
    is_image_type,
    plain_values,
)
from indexer.catalog.tables.table import Record, Roles, Table
from indexer.errors import CatalogError

__all__ = ["SchemaTable", "damage_refused", "records_of"]


@contextmanager
def damage_refused(path: Path, kind: str) -> Iterator[None]:
    """Turn damage that pyarrow finds in a file into a `CatalogError`.

    Args:
        path: The file.
        kind: Its format, for the message.

    Raises:
        CatalogError: The file is damaged.
        OSError: It can't be read.
    """
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CatalogError(
            f"{quote_for_message(path.name)} is not a valid {kind} file, or is damaged; export it "
            f"again ({quote_for_message(str(error))})"
        ) from error


class SchemaTable(Table):
    """A table whose columns have Arrow types.

    Args:
        path: The file.
        schema: Its schema.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__(path)
        self.schema = schema
        self.columns = schema.names

    def field_types(self, roles: Roles) -> Mapping[str, FieldType]:
        """Return the fields' types, by the schema."""
        columns = (
            field_types(field.name, field.type)
            for field in self.schema
            if field.name not in roles.names and can_be_field(field.type)
        )
        return {name: kind for column in columns for name, kind in column.items()}

    def left_out(self, roles: Roles) -> tuple[str, ...]:
        """Return the columns of raw bytes other than the image columns."""
        return tuple(
            field.name
            for field in self.schema
            if field.name not in roles.names and not can_be_field(field.type)
        )

    def check_roles(self, roles: Roles) -> None:
        """As `Table.check_roles`."""
        id_type = self.schema.field(roles.id).type
        if not is_id_type(id_type):
            raise CatalogError(
                f"the id column {quote_for_message(roles.id)} of {quote_for_message(self.name)} is "
                f"of type {id_type}; ids are text or whole numbers"
            )
        for name in roles.images:
            image_type = self.schema.field(name).type
            if not is_image_type(image_type):
                raise CatalogError(
                    f"the image column {quote_for_message(name)} of {quote_for_message(self.name)} "
                    f"is of type {image_type}; images are bytes, text, structs of bytes and path, "
                    "or lists of these"
                )

    def check_schema(self, schema: pa.Schema) -> None:
        """Raise a `CatalogError` if the file has another schema now."""
        if not schema.equals(self.schema):
            raise CatalogError(
                f"{quote_for_message(self.name)} changed while it was read; start again"
            )

    def wanted(self, roles: Roles | None) -> list[str]:
        """Return the columns to read: those with a role, and those that can be fields."""
        left_out = self.left_out(roles) if roles is not None else ()
        return [name for name in self.schema.names if name not in left_out]


def records_of(line: int, batch: pa.RecordBatch, id_column: str | None) -> Iterator[Record]:
    """Yield the rows of a batch as records, the first with the given number."""
    names = batch.schema.names
    columns = [
        id_values(column) if name == id_column else plain_values(column)
        for name, column in zip(names, batch.columns, strict=True)
    ]
    for row, values in enumerate(zip(*columns, strict=True), start=line):
        yield Record(row, dict(zip(names, values, strict=True)))
