"""Field columns of a segment, brought to the types that a generation has."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from indexer.catalog import FieldType, arrow_schema
from indexer.errors import DamagedIndexError

__all__ = ["accepts_types", "typed_fields"]


def typed_fields(
    stored: pa.Table, types: Mapping[str, FieldType], tags: pa.Table | None, segment_id: str
) -> pa.Table:
    """Return the product fields of a segment in a generation's types.

    A generation may have more fields than one of its segments, and wider numbers. Columns of tags
    follow those of the catalog; where both have a name, the catalog's column is kept.

    Args:
        stored: The fields as the segment stores them.
        types: The types of the catalog's fields in the generation.
        tags: Columns of labels by product row, if the generation has tags.
        segment_id: The segment, for messages.

    Raises:
        DamagedIndexError: A stored column can't have its type.
    """
    schema = arrow_schema(types)
    columns = [_typed_column(stored, field, segment_id) for field in schema]
    if tags is not None:
        added = [field for field in tags.schema if field.name not in types]
        columns += [tags[field.name] for field in added]
        schema = pa.schema([*schema, *added])
    return pa.table(columns, schema=schema) if columns else stored.select([])


def accepts_types(stored: pa.Schema, types: Mapping[str, FieldType]) -> bool:
    """Return whether `typed_fields` can give every stored column the type wanted."""
    wanted = arrow_schema(types)
    return all(
        field.name in wanted.names and _fits(field.type, wanted.field(field.name).type)
        for field in stored
    )


def _typed_column(stored: pa.Table, field: pa.Field, segment_id: str) -> pa.ChunkedArray:
    if field.name not in stored.column_names:
        return pa.chunked_array([pa.nulls(stored.num_rows, field.type)])
    column = stored[field.name]
    if not _fits(column.type, field.type):
        raise DamagedIndexError(
            f"Field {field.name!r} of segment {segment_id} is {column.type} where the "
            f"manifest says {field.type}."
        )
    return column if column.type == field.type else column.cast(field.type)


def _fits(stored: pa.DataType, wanted: pa.DataType) -> bool:
    """Return whether a column is of a type, or can be read as it: whole numbers as floats."""
    widens = pa.types.is_int64(stored) and pa.types.is_float64(wanted)
    return bool(stored == wanted or widens)
