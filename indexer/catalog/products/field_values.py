"""Field values: what the values of a record are as fields of a product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from indexer.catalog.fields import FieldValue, distinct_items
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables import Unreadable
from indexer.errors import RowError

__all__ = ["product_fields"]

# Words for "no value", in any case.
_MISSING = frozenset({"", "n/a", "#n/a", "-", "--", "\u2013", "\u2014", "null"})
# "nan", "-inf" and "infinity" begin so, and have no more characters.
_BEGINNINGS_OF_NAN = frozenset("nNiI+-")
_LONGEST_NAN = 9
# Objects within objects; each level makes the names of fields longer.
_MAX_DEPTH = 8


def product_fields(
    values: Mapping[str, object],
    roles: Collection[str] = (),
    check: Callable[[str, str], None] = lambda *_: None,
) -> dict[str, FieldValue]:
    """Return the fields of a product.

    Texts that say that there is no value are None. A list is a field of several values. The members
    of an object become fields of their own, `price.amount`; those of objects in a list, lists.

    Args:
        values: The columns of a record.
        roles: Those that are no fields.
        check: Called with the column and each text that may spell NaN or an infinity.

    Raises:
        RowError: A value can't be read or stored; the message names the column.
    """
    fields: dict[str, FieldValue] = {}
    for name, value in values.items():
        if name in roles:
            continue
        if isinstance(value, str):
            text = value.strip()
            if len(text) <= _LONGEST_NAN:
                if text[:1] in _BEGINNINGS_OF_NAN:
                    check(name, text)
                if text.lower() in _MISSING:
                    fields[name] = None
                    continue
            fields[name] = text
        elif value is None or isinstance(value, int | float):
            fields[name] = value
        elif isinstance(value, Unreadable):
            raise value.problem(name)
        else:
            try:
                _add_members(fields, name, value, values)
            except RowError as error:
                raise error.at(name, value) from None
    return fields


def _add_members(
    fields: dict[str, FieldValue], name: str, value: object, values: Mapping[str, object]
) -> None:
    for inner, item in _members(name, value, 0):
        if inner in fields or (inner != name and inner in values):
            raise RowError(
                Reason.BAD_VALUE,
                f"there are two values of the name {quote_for_message(inner)}; rename one",
            )
        fields[inner] = item


def _text(value: str) -> str | None:
    text = value.strip()
    return None if len(text) <= _LONGEST_NAN and text.lower() in _MISSING else text


def _members(name: str, value: Any, depth: int) -> Iterator[tuple[str, FieldValue]]:
    """Yield the fields that a list or an object makes."""
    if depth > _MAX_DEPTH:
        raise RowError(
            Reason.BAD_VALUE,
            f"column {quote_for_message(name)}: objects are nested more than {_MAX_DEPTH} deep",
        )
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _members(f"{name}.{key}", inner, depth + 1)
    elif isinstance(value, list | tuple):
        plain = [item for item in value if not isinstance(item, dict)]
        if plain or not value:
            items = [_text(item) if isinstance(item, str) else item for item in plain]
            yield name, distinct_items(items) or None
        yield from _columns(name, [item for item in value if isinstance(item, dict)], depth)
    else:
        yield name, _text(value) if isinstance(value, str) else value


def _columns(name: str, objects: list[dict[str, Any]], depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the members of the objects of a list, each as the list of its values."""
    columns: dict[str, list[Any]] = {}
    for item in objects:
        for key, value in _members(name, item, depth):
            columns.setdefault(key, []).append(value)
    for key, values in columns.items():
        yield key, distinct_items(values) or None
