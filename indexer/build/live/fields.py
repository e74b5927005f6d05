"""Fields of a write, checked against the types of the index."""

from __future__ import annotations

import math
from collections.abc import Mapping

from indexer.catalog import FieldType, FieldTyper, FieldValue, product_fields, quote_for_message
from indexer.errors import RowError, WriteError

__all__ = ["checked_fields"]

MAX_FIELDS = 1000
"""Most fields that writes may give to an index; each one is a column of every segment."""


def checked_fields(
    given: Mapping[str, object], types: Mapping[str, FieldType]
) -> tuple[dict[str, FieldValue], dict[str, FieldType]]:
    """Return fields as the index stores them, and the types that are new.

    A catalog's rules hold: members of objects become fields of their own, and blank texts are
    missing values. A field of the index keeps its type, except that whole numbers may become
    numbers. No value is left out silently.

    Args:
        given: Values as JSON has them.
        types: The types of the fields of the index.

    Returns:
        All fields that were given, None for those without a value, and the types of new and of
        widened fields.

    Raises:
        WriteError: A value does not fit its field; the message names the field.
    """
    try:
        fields = product_fields(given)
    except RowError as error:
        raise WriteError(f"fields: {error}.") from None
    for name, value in fields.items():
        _check_value(name, value)
    typer = FieldTyper(former={name: types[name] for name in fields if name in types})
    typer.observe(fields)
    found = typer.types()
    for odd in typer.odd_values():
        raise _misfit(odd.field, odd.value, types.get(odd.field) or found[odd.field])
    for name, kind in found.items():
        former = types.get(name, kind)
        if kind is not former and (former, kind) != (FieldType.INTEGER, FieldType.FLOAT):
            raise _misfit(name, str(fields.get(name)), former)
    stored = typer.stored(fields)
    new = {
        name: kind
        for name, kind in found.items()
        if kind is not types.get(name) and stored.get(name) is not None
    }
    if len(types.keys() | new.keys()) > MAX_FIELDS:
        raise WriteError(f"fields: the index would have more than {MAX_FIELDS:,} fields.")
    return {**dict.fromkeys(fields), **stored}, new


def _check_value(name: str, value: FieldValue) -> None:
    if not name.strip():
        raise WriteError("fields: a field has no name.")
    values = value if isinstance(value, list) else [value]
    if any(isinstance(each, float) and not math.isfinite(each) for each in values):
        raise WriteError(f"fields.{name}: this is not a finite number.")
    try:
        "".join([name, *(each for each in values if isinstance(each, str))]).encode()
    except UnicodeEncodeError:
        raise WriteError("fields: a text holds half of a surrogate pair (\\ud800).") from None


def _misfit(name: str, value: str, kind: FieldType) -> WriteError:
    return WriteError(
        f"fields.{name}: {quote_for_message(value)} does not fit this field of type {kind.value}."
    )
