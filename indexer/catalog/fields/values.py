"""Field values: their types, and conversion to Arrow columns."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import pyarrow as pa

from indexer.catalog.fields.dates import is_iso_date
from indexer.catalog.fields.lists import (
    ListItem,
    all_numbers,
    as_label,
    distinct_items,
    list_in_text,
)
from indexer.errors import CatalogError

__all__ = [
    "FieldType",
    "FieldValue",
    "Scalar",
    "arrow_schema",
    "is_boolean_word",
    "is_non_finite",
    "join_types",
    "to_batch",
    "type_of_list",
    "type_of_text",
]

Scalar = str | int | float | bool | None
"""One value, or none."""

FieldValue = Scalar | list[Any]
"""The value of a product's field; a list holds texts, numbers or booleans."""


class FieldType(StrEnum):
    """The types a product field can have; each value may also be missing.

    Dates are texts in ISO 8601 form, with or without a time, which sort and compare as dates.
    Labels and numbers are lists of distinct values, and may be empty: the tags of a taxonomy, the
    sizes or collections of a catalog.
    """

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    LABELS = "labels"
    NUMBERS = "numbers"


_ARROW_TYPES = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.FLOAT: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATE: pa.string(),
    FieldType.LABELS: pa.list_(pa.string()),
    FieldType.NUMBERS: pa.list_(pa.float64()),
}
_NUMERIC = frozenset({FieldType.INTEGER, FieldType.FLOAT, FieldType.NUMBERS})
_LISTS = frozenset({FieldType.LABELS, FieldType.NUMBERS})

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1

# A text is a number only if the number prints as that text. "007" and "+49" are codes, which would
# lose characters. 18 digits always fit int64. "1E5" is a size or a part number unless its exponent
# has a sign, as in the exponents that programs write.
_WHOLE = r"(?:0|[1-9][0-9]{0,17})"
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FLOAT = re.compile(
    rf"-?(?:{_WHOLE}?\.[0-9]{{1,340}}(?:[eE][+-][0-9]{{1,3}})?|{_WHOLE}[eE][+-][0-9]{{1,3}}|0)"
)
_NON_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_BOOLEANS = {"true": True, "false": False}
# As people write them, and as spreadsheet programs do in German, French and Spanish.
_BOOLEAN_WORDS = {
    **dict.fromkeys(("yes", "ja", "oui", "s\u00ed", "si", "wahr", "vrai", "verdadero"), True),
    **dict.fromkeys(("no", "nein", "non", "falsch", "faux", "falso"), False),
    **dict.fromkeys("yjt", True),
    **dict.fromkeys("nf", False),
}
# Longer text than "-infinity" with spaces around it is not looked at.
_MAX_NON_FINITE_CHARACTERS = 16


def is_non_finite(text: str) -> bool:
    """Whether a cell spells NaN or an infinity, in any case and with any sign."""
    return (
        len(text) <= _MAX_NON_FINITE_CHARACTERS and _NON_FINITE.fullmatch(text.strip()) is not None
    )


def is_boolean_word(text: str) -> bool:
    """Whether a cell is a word such as `yes` or `nein`."""
    return text.strip().lower() in _BOOLEAN_WORDS


def join_types(first: FieldType, second: FieldType) -> FieldType:
    """Return the narrowest type that holds the values of both.

    Integers are floats, both are lists of numbers; every value is text, and every value is a label.
    """
    if first is second:
        return first
    numeric = {first, second} <= _NUMERIC
    if {first, second} & _LISTS:
        return FieldType.NUMBERS if numeric else FieldType.LABELS
    return FieldType.FLOAT if numeric else FieldType.TEXT


def type_of_text(text: str) -> FieldType | None:
    """Return the narrowest type of a cell; None if it is missing."""
    text = text.strip()
    if not text or is_non_finite(text):
        return None
    if _INTEGER.fullmatch(text):
        return FieldType.INTEGER
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return FieldType.FLOAT
    if text.lower() in _BOOLEANS:
        return FieldType.BOOLEAN
    items = list_in_text(text)
    return FieldType.TEXT if items is None else type_of_list(items)


def type_of_list(value: Sequence[object]) -> FieldType | None:
    """Return the type of a list; None if there is nothing in it."""
    if not value:
        return None
    return FieldType.NUMBERS if all_numbers(value) else FieldType.LABELS


def arrow_schema(types: Mapping[str, FieldType]) -> pa.Schema:
    """Return the Arrow schema of fields: string, int64, float64, bool, or a list.

    Dates are strings.
    """
    return pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in types.items()])


def to_batch(
    rows: Sequence[Mapping[str, FieldValue]], types: Mapping[str, FieldType]
) -> pa.RecordBatch:
    """Turn the fields of some rows into Arrow columns of the given types.

    Args:
        rows: n rows; a field that a row lacks is null there.
        types: The type of every column, from a `FieldTyper` that observed these rows.

    Returns:
        n rows, in the columns of `arrow_schema(types)`. NaN and infinities are null.

    Raises:
        CatalogError: A value does not fit its column's type, since the catalog changed after its
            types were inferred.
    """
    columns = [
        pa.array(_cast(name, (row.get(name) for row in rows), kind), type=_ARROW_TYPES[kind])
        for name, kind in types.items()
    ]
    if not columns:
        # A batch without columns has no number of rows; a struct array has one.
        empty = pa.array([{}] * len(rows), type=pa.struct([]))
        return pa.RecordBatch.from_struct_array(empty)
    return pa.RecordBatch.from_arrays(columns, schema=arrow_schema(types))


def _cast(name: str, values: Iterable[FieldValue], kind: FieldType) -> list[FieldValue]:
    cast = _CASTS[kind]
    try:
        return [None if value is None else cast(value) for value in values]
    except (TypeError, ValueError, OverflowError) as error:
        raise CatalogError(
            f"field {name!r} was of type {kind.value} when the catalog was first read, and now has "
            f"another value: {error}; build again when the catalog no longer changes"
        ) from None


def _as_text(value: FieldValue) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value)


def _as_integer(value: FieldValue) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(repr(value))
    if isinstance(value, int):
        if not _INT64_MIN <= value <= _INT64_MAX:
            raise ValueError(repr(value))
        return value
    text = value.strip()
    if not text or is_non_finite(text):
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and float(text).is_integer():
        return int(float(text))
    raise ValueError(repr(value))


def _as_float(value: FieldValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(repr(value))
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        if (
            not is_non_finite(value)
            and not _FLOAT.fullmatch(value)
            and not _INTEGER.fullmatch(value)
        ):
            raise ValueError(repr(value))
    number = float(value)
    return number if math.isfinite(number) else None


def _as_boolean(value: FieldValue) -> bool | None:
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else repr(value)
    if not text or is_non_finite(text):
        return None
    found = _BOOLEANS.get(text, _BOOLEAN_WORDS.get(text))
    if found is None:
        raise ValueError(repr(value))
    return found


def _as_date(value: FieldValue) -> str | None:
    if not isinstance(value, str):
        raise TypeError(repr(value))
    text = value.strip()
    if text and not is_iso_date(text):
        raise ValueError(repr(value))
    return text or None


def _as_labels(value: FieldValue) -> list[str] | None:
    items = _items(value)
    return list(dict.fromkeys(map(as_label, items))) or None


def _as_numbers(value: FieldValue) -> list[float] | None:
    numbers = (_as_float(item) for item in _items(value))
    return list(dict.fromkeys(number for number in numbers if number is not None)) or None


def _items(value: FieldValue) -> Sequence[ListItem]:
    """Return the values of a list, or the one value that there is in its place."""
    if isinstance(value, list):
        return value
    found = list_in_text(value) if isinstance(value, str) else None
    return distinct_items([value]) if found is None else found


_CASTS: Mapping[FieldType, Callable[[FieldValue], FieldValue]] = {
    FieldType.TEXT: _as_text,
    FieldType.INTEGER: _as_integer,
    FieldType.FLOAT: _as_float,
    FieldType.BOOLEAN: _as_boolean,
    FieldType.DATE: _as_date,
    FieldType.LABELS: _as_labels,
    FieldType.NUMBERS: _as_numbers,
}
