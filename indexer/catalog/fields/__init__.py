"""Product fields: values, their types, and conversion to Arrow columns."""

from __future__ import annotations

from indexer.catalog.fields.dates import date_operand
from indexer.catalog.fields.lists import as_label, distinct_items, list_in_text
from indexer.catalog.fields.markup import without_markup
from indexer.catalog.fields.spelling import nearest_first
from indexer.catalog.fields.typer import FieldTyper, OddValue
from indexer.catalog.fields.values import (
    FieldType,
    FieldValue,
    Scalar,
    arrow_schema,
    is_non_finite,
    join_types,
    to_batch,
)

__all__ = [
    "FieldType",
    "FieldTyper",
    "FieldValue",
    "OddValue",
    "Scalar",
    "arrow_schema",
    "as_label",
    "date_operand",
    "distinct_items",
    "is_non_finite",
    "join_types",
    "list_in_text",
    "nearest_first",
    "to_batch",
    "without_markup",
]
