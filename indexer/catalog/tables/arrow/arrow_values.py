"""Arrow values: converts Arrow columns to ids, images and product fields, value by value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyarrow import types

from indexer.catalog.fields import FieldType, FieldValue
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables.table import Unreadable

__all__ = [
    "can_be_field",
    "field_types",
    "id_values",
    "is_id_type",
    "is_image_type",
    "plain_values",
]

_INT64_MAX = 2**63 - 1


def is_id_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold ids."""
    kind = _plain_type(kind)
    return (
        _is_text(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_null(kind)
        or _is_bytes(kind)
    )


def is_image_type(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold images."""
    kind = _plain_type(kind)
    if _is_list(kind):
        kind = _plain_type(kind.value_type)
    if types.is_struct(kind):
        return _is_bytes_and_path(kind)
    return _is_text(kind) or _is_bytes(kind) or types.is_null(kind)


def can_be_field(kind: pa.DataType) -> bool:
    """Whether a column of this type makes fields; raw bytes make none."""
    return not _holds_bytes(kind)


def field_types(name: str, kind: pa.DataType) -> dict[str, FieldType]:
    """Return the fields that a column makes, with their types.

    A struct makes a field of each member, `price.amount`, and a list one of several values. Which
    fields a map makes is not known before it is read.
    """
    kind = _plain_type(kind)
    if types.is_struct(kind):
        members = (field_types(f"{name}.{field.name}", field.type) for field in kind)
        return {inner: found for member in members for inner, found in member.items()}
    if types.is_map(kind):
        return {}
    if types.is_nested(kind) and hasattr(kind, "value_type"):
        return {
            inner: _LIST_OF.get(found, FieldType.LABELS)
            for inner, found in field_types(name, kind.value_type).items()
        }
    return {name: _scalar_type(kind)}


_LIST_OF = dict.fromkeys((FieldType.INTEGER, FieldType.FLOAT, FieldType.NUMBERS), FieldType.NUMBERS)


def _scalar_type(kind: pa.DataType) -> FieldType:
    if types.is_boolean(kind):
        return FieldType.BOOLEAN
    if types.is_integer(kind):
        return FieldType.INTEGER
    if types.is_floating(kind) or types.is_decimal(kind):
        return FieldType.FLOAT
    return FieldType.DATE if types.is_date(kind) or types.is_timestamp(kind) else FieldType.TEXT


def id_values(column: pa.Array) -> list[Any]:
    """Return the values of an id column, `Unreadable` for one that is not valid text."""
    return _values(_plain(column))


def plain_values(column: pa.Array) -> list[Any]:
    """Return a column's values as those of a record, `Unreadable` for one that can't be stored.

    Decimals become floats, dates and times ISO 8601 text, lists, structs and maps lists and
    dictionaries. NaN and infinities are missing values.
    """
    column = _plain(column)
    kind = column.type
    if types.is_temporal(kind):
        return _temporal(column)
    convert: Callable[[Any], Any] | None = None
    if types.is_floating(kind) or types.is_decimal(kind):
        convert = _float
    elif types.is_uint64(kind):
        convert = _unsigned
    elif types.is_nested(kind):
        convert = _nested
    values = _values(column)
    if convert is None:
        return values
    return [v if v is None or isinstance(v, Unreadable) else convert(v) for v in values]


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    return _plain_type(kind.value_type) if types.is_dictionary(kind) else kind


def _plain(column: pa.Array) -> pa.Array:
    while True:
        if isinstance(column, pa.ExtensionArray):
            column = column.storage
        elif isinstance(column, pa.DictionaryArray):
            column = column.dictionary_decode()
        else:
            return column


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_bytes_and_path(kind: pa.DataType) -> bool:
    """Whether a struct is an image: with `bytes`, a `path` or both, as on the Hugging Face Hub."""
    inner = {field.name: _plain_type(field.type) for field in kind}
    checks = {"bytes": _is_bytes, "path": _is_text, "url": _is_text, "src": _is_text}
    present = [name for name in checks if name in inner]
    return bool(present) and all(
        checks[name](inner[name]) or types.is_null(inner[name]) for name in present
    )


def _holds_bytes(kind: pa.DataType) -> bool:
    kind = _plain_type(kind)
    if types.is_map(kind):
        return _holds_bytes(kind.key_type) or _holds_bytes(kind.item_type)
    if types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    if types.is_nested(kind) and hasattr(kind, "value_type"):
        return _holds_bytes(kind.value_type)
    return _is_bytes(kind)


def _values(column: pa.Array) -> list[Any]:
    try:
        return list(column.to_pylist(maps_as_pydicts="lossy"))
    except (ValueError, OverflowError):
        # One bad value fails the whole column: Arrow validates text only on conversion.
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py(maps_as_pydicts="lossy")
    except UnicodeDecodeError as error:
        return Unreadable(
            Reason.BAD_UTF8, f"byte {error.start + 1} of the text is not UTF-8; correct the text"
        )
    except (ValueError, OverflowError) as error:
        return Unreadable(
            Reason.BAD_VALUE, f"the value can't be read: {quote_for_message(str(error))}"
        )


def _temporal(column: pa.Array) -> list[FieldValue | Unreadable]:
    """Convert dates and times to ISO 8601; a time with a zone becomes UTC, with a Z."""
    kind = column.type
    if types.is_duration(kind) or types.is_interval(kind):
        return [None if value is None else str(value) for value in _values(column)]
    zoned = types.is_timestamp(kind) and kind.tz is not None
    if zoned:
        column = column.cast(pa.timestamp(kind.unit))
    texts = column.cast(pa.string()).to_pylist()
    ending = "Z" if zoned else ""
    return [None if text is None else text.replace(" ", "T") + ending for text in texts]


def _float(value: Any) -> FieldValue | Unreadable:
    number = float(value)
    return number if math.isfinite(number) else None


def _unsigned(value: int) -> FieldValue | Unreadable:
    if value > _INT64_MAX:
        return Unreadable(Reason.BAD_VALUE, f"{value} is larger than {_INT64_MAX}")
    return value


def _nested(value: Any) -> Any:
    """Replace NaN and infinities, which JSON can't express, by null, and dates by their text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _nested(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | bytes) else str(value)
