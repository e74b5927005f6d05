"""Filters: typed predicates over product fields, evaluated on Arrow columns.

As JSON, a filter is an object whose members must all hold:

    {"base_colour": "Red"}                          equals
    {"base_colour": ["Red", "Maroon"]}              one of
    {"price": {"gte": 10, "lt": 50}}                range: gt, gte, lt, lte
    {"title": {"prefix": "Nike"}}                   text that begins with
    {"season": {"exists": true}}                    has a value
    {"base_colour": {"not": "Red"}}                 the negation of a condition
    {"tag_colour": "red"}                           one of a product's labels
    {"sizes": {"gte": 40}}                          one of a product's numbers
    {"released": {"gte": "2026-03-01"}}             a date, from its beginning
    {"or": [{"year": 2012}, {"price": {"lt": 5}}]}  also "and" with a list, "not" with a filter

A product without a value passes only `{"exists": false}` and negated conditions.

A filter has up to `MAX_CONDITIONS` conditions, and up to `MAX_VALUES` values in its lists: each
condition is evaluated over all products.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from indexer.catalog import FieldType, Scalar, as_label, date_operand, nearest_first
from indexer.errors import QueryError
from indexer.retrieval.cancellation import checkpoint
from indexer.retrieval.filter_columns import Columns
from indexer.retrieval.short_texts import having_words
from indexer.storage import Mask

__all__ = [
    "MAX_CONDITIONS",
    "MAX_VALUES",
    "And",
    "Compare",
    "Exists",
    "HasColour",
    "HasWords",
    "In",
    "Not",
    "OneValue",
    "Or",
    "Predicate",
    "check_breadth",
    "evaluate",
    "parse_filter",
]

MAX_CONDITIONS = 256
"""Most conditions of a filter."""
MAX_VALUES = 4096
"""Most values in the lists of a filter, in all of them together."""

# Names of functions of pyarrow.compute.
_COMPARISONS = {
    "eq": "equal",
    "gt": "greater",
    "gte": "greater_equal",
    "lt": "less",
    "lte": "less_equal",
    "prefix": "starts_with",
}
_GROUPS = ("and", "or", "not")
_WORDS = (FieldType.TEXT, FieldType.DATE, FieldType.LABELS)
_LISTS = (FieldType.LABELS, FieldType.NUMBERS)
_UNORDERED = (FieldType.BOOLEAN, FieldType.LABELS)

# Levels of nesting. No form makes deeper filters; they would only meet the recursion limit.
_MAX_DEPTH = 16
_SMALLEST_INTEGER, _INTEGERS_END = -(2**63), 2**63


@dataclass(frozen=True)
class Compare:
    """A field compares with one value; `operator` is eq, gt, gte, lt, lte or prefix."""

    field: str
    operator: str
    value: Scalar


@dataclass(frozen=True)
class In:
    """A field is one of several values."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Exists:
    """A field has a value, or has none."""

    field: str
    wanted: bool


@dataclass(frozen=True)
class HasColour:
    """Images of the product show a colour. Searches by colour make it; filters in JSON can't.

    Attributes:
        lab: The colour, in CIELAB.
        within: The largest difference that still counts as the colour (CIEDE2000).
        share: The least share of the product that is of such a colour, 0 to 1.
    """

    lab: tuple[float, float, float]
    within: float
    share: float


@dataclass(frozen=True)
class HasWords:
    """Short texts of the product have words. Exclusions make it; filters in JSON can't.

    Attributes:
        pattern: As for `short_texts.having_words`.
    """

    pattern: str


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Predicate


@dataclass(frozen=True)
class And:
    """All parts hold; of no parts, always."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True)
class Or:
    """At least one part holds; of no parts, never."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True)
class OneValue:
    """One of the values of a list passes all comparisons; all are of the same field."""

    parts: tuple[Compare, ...]


Predicate = Compare | In | Exists | HasColour | HasWords | OneValue | Not | And | Or


def parse_filter(raw: object, types: Mapping[str, str]) -> Predicate:
    """Read a filter from JSON values, checking it against the index's fields.

    Args:
        raw: As the module's docstring shows.
        types: The fields and their types, as the manifest has them.

    Raises:
        QueryError: It names an unknown field (the message lists the fields), or a condition that
            does not fit the field's type (the message lists those that do); or it is too broad.
    """
    check_breadth(raw)
    return _parse(raw, types, 0)


def check_breadth(raw: object) -> None:
    """Refuse a filter of too many conditions or values, before any of them is looked at.

    Args:
        raw: JSON values, valid or not.

    Raises:
        QueryError: It has more than `MAX_CONDITIONS` or `MAX_VALUES`.
    """
    conditions = values = 0
    waiting = [raw]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict) and each:
            waiting.extend(each.values())
        elif isinstance(each, list) and each:
            groups = [item for item in each if isinstance(item, dict)]
            values += len(each) - len(groups)
            conditions += len(groups) < len(each)
            waiting.extend(groups)
        else:
            conditions += 1
        # Checked before more is unpacked.
        if conditions + len(waiting) > MAX_CONDITIONS:
            raise QueryError(f"filter: it has more than {MAX_CONDITIONS} conditions; use fewer.")
        if values > MAX_VALUES:
            raise QueryError(f"filter: its lists have more than {MAX_VALUES:,} values; use fewer.")


def evaluate(predicate: Predicate, columns: Columns) -> Mask:  # noqa: PLR0911 (one for each kind)
    """Return a mask over the rows of some columns for which a predicate holds.

    No more masks are held at once than the predicate is deep.

    Raises:
        SearchCancelledError: Nobody waits for it any more.
    """
    checkpoint()
    match predicate:
        case And(parts):
            return _all((evaluate(part, columns) for part in parts), columns.rows)
        case Or(parts):
            return ~_all((~evaluate(part, columns) for part in parts), columns.rows)
        case Not(part):
            return ~evaluate(part, columns)
        case HasColour(lab, within, share):
            return columns.having_colour(lab, within, share)
        case HasWords(pattern):
            return having_words(columns, pattern)
        case OneValue(parts):
            return _condition(parts, columns)
        case Compare() | In() | Exists():
            return _condition((predicate,), columns)


def _condition(parts: Sequence[Compare | In | Exists], columns: Columns) -> Mask:
    """Return a mask over the rows of which one value meets all conditions, which are of a field."""
    coded = columns.coded(parts[0].field)
    if coded is None:
        return _all((_holds(part, columns.table[part.field]) for part in parts), columns.rows)
    # Evaluated once for each distinct value, then looked up by row.
    return coded.rows_of(_all((_holds(part, coded.values) for part in parts), len(coded.values)))


def _holds(condition: Compare | In | Exists, column: pa.Array | pa.ChunkedArray) -> Mask:
    import pyarrow.compute as pc  # takes as long to import as numpy

    match condition:
        case Exists(_, wanted):
            valid = _mask(pc.is_valid(column))
            return valid if wanted else ~valid
        case In(_, values):
            return _mask(pc.is_in(column, pa.array(values, column.type)))
        case Compare(_, operator, value):
            compare = getattr(pc, _COMPARISONS[operator])
            typed = value if operator == "prefix" else pa.scalar(value, column.type)
            return _mask(compare(column, typed))


def _all(masks: Iterable[Mask], rows: int) -> Mask:
    every = np.ones(rows, np.bool_)
    for mask in masks:
        every &= mask
    return every


def _mask(column: pa.Array | pa.ChunkedArray) -> Mask:
    known = column.fill_null(pa.scalar(value=False))
    return np.asarray(known.to_numpy(zero_copy_only=False), np.bool_)


def _parse(raw: object, types: Mapping[str, str], depth: int) -> Predicate:
    if depth > _MAX_DEPTH:
        raise QueryError(f"filter: nested deeper than {_MAX_DEPTH} levels.")
    if not isinstance(raw, dict):
        raise QueryError('filter: give an object, such as {"colour": "red"}.')
    parts: list[Predicate] = []
    for key, value in raw.items():
        if key in _GROUPS and key not in types:
            parts.append(_parse_group(key, value, types, depth + 1))
        else:
            parts.append(_parse_condition(key, value, types, depth + 1))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _parse_group(key: str, value: object, types: Mapping[str, str], depth: int) -> Predicate:
    if key == "not":
        return Not(_parse(value, types, depth))
    if not isinstance(value, list):
        raise QueryError(f'filter: "{key}" needs a list of filters.')
    parts = tuple(_parse(part, types, depth) for part in value)
    return And(parts) if key == "and" else Or(parts)


def _parse_condition(field: str, value: object, types: Mapping[str, str], depth: int) -> Predicate:
    if depth > _MAX_DEPTH:
        raise QueryError(f"filter.{field}: nested deeper than {_MAX_DEPTH} levels.")
    if field not in types:
        known = ", ".join(nearest_first(field, types)) or "none"
        raise QueryError(f"filter: there is no field {field!r}; the fields are: {known}.")
    kind = FieldType(types[field])
    if isinstance(value, list):
        return In(field, tuple(_fit(field, kind, item) for item in value))
    if not isinstance(value, dict):
        return Compare(field, "eq", _fit(field, kind, value))
    if not value:
        raise QueryError(f"filter.{field}: the condition is empty.")
    parts = tuple(
        _parse_operator(field, kind, operator, operand, types, depth)
        for operator, operand in value.items()
    )
    compared = tuple(part for part in parts if isinstance(part, Compare))
    if kind in _LISTS and len(compared) > 1:
        # `{"gte": 40, "lt": 42}` asks for one number between them, not for one on either side.
        parts = (OneValue(compared), *(p for p in parts if not isinstance(p, Compare)))
    return parts[0] if len(parts) == 1 else And(parts)


def _parse_operator(
    field: str,
    kind: FieldType,
    operator: str,
    operand: object,
    types: Mapping[str, str],
    depth: int,
) -> Predicate:
    if operator == "not":
        return Not(_parse_condition(field, operand, types, depth + 1))
    if operator == "in" and isinstance(operand, list):
        return _parse_condition(field, operand, types, depth + 1)
    if operator == "exists" and isinstance(operand, bool):
        return Exists(field, operand)
    if operator in _COMPARISONS:
        ordered = operator in ("gt", "gte", "lt", "lte")
        if (operator == "prefix" and kind not in _WORDS) or (ordered and kind in _UNORDERED):
            raise QueryError(
                f'filter.{field}: "{operator}" does not apply to {kind} fields. {_usable(kind)}'
            )
        return Compare(field, operator, _fit(field, kind, operand))
    if operator in ("in", "exists"):
        wanted = "a list" if operator == "in" else "true or false"
        raise QueryError(f'filter.{field}: "{operator}" needs {wanted}.')
    raise QueryError(f'filter.{field}: "{operator:.60}" is not a condition. {_usable(kind)}')


def _fit(field: str, kind: FieldType, value: object) -> Scalar:
    """Return a JSON value as a value of the field's type."""
    match kind, value:
        case ((FieldType.TEXT | FieldType.LABELS), str()):
            return value
        case FieldType.DATE, str() if (date := date_operand(value)) is not None:
            return date
        case FieldType.LABELS, (int() | float()):
            return as_label(value)
        case FieldType.BOOLEAN, bool():
            return value
        case ((FieldType.INTEGER | FieldType.FLOAT | FieldType.NUMBERS), bool()):
            pass
        case ((FieldType.FLOAT | FieldType.NUMBERS), (int() | float())) if _is_finite(value):
            return float(value)
        case FieldType.INTEGER, int() if _SMALLEST_INTEGER <= value < _INTEGERS_END:
            return value
        case _:
            pass
    raise QueryError(
        f"filter.{field}: {value!r:.60} is not {_ARTICLE[kind]} value. {_usable(kind)}"
    )


def _usable(kind: FieldType) -> str:
    """Return the conditions that a field of a type allows, for messages."""
    ordered = () if kind in _UNORDERED else ("gt", "gte", "lt", "lte")
    prefix = ("prefix",) if kind in _WORDS else ()
    conditions = ", ".join(("eq", *ordered, *prefix, "in", "exists", "not"))
    return (
        f"This is {_ARTICLE[kind]} field: give {_ARTICLE[kind]} value, a list of values, or an "
        f"object of {conditions}."
    )


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


_ARTICLE = {
    FieldType.TEXT: "a text",
    FieldType.INTEGER: "an integer",
    FieldType.FLOAT: "a number",
    FieldType.BOOLEAN: "a boolean",
    FieldType.DATE: "a date (2026-03-31)",
    FieldType.LABELS: "a label",
    FieldType.NUMBERS: "a number",
}
