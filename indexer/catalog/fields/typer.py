"""Field types: inferred from all values of a field, and kept from one build to the next."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from indexer.catalog.fields.values import (
    FieldType,
    FieldValue,
    arrow_schema,
    join_types,
    to_batch,
    type_of_list,
    type_of_text,
)

__all__ = ["FieldTyper", "OddValue"]

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# Of a new field, the share of values that may be odd.
_MOST_ODD = 0.01
# A text field with at most this share of words is nearly one of numbers.
_NEARLY = 0.2
# Odd values that are noted of each field.
_MOST_NOTED = 1000
_NARROW = (FieldType.INTEGER, FieldType.FLOAT, FieldType.BOOLEAN)
# Types that a few odd values may be the cause of.
_WIDE = (FieldType.TEXT, FieldType.LABELS, FieldType.NUMBERS)
# Columns of codes, which stay text as written even where all of them are digits.
_CODES = re.compile(
    r"(?:^|[^a-z])(?:ean|gtin|upc|isbn|barcode|sku|mpn|asin|plz|zip|postcode|phone)(?:\d*$|[^a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class OddValue:
    """A value that does not fit the type of its field, and is left out.

    Attributes:
        line: The catalog row, as in `CatalogRow`.
        id: The product's id.
        field: Name of the field.
        value: Its text.
    """

    line: int
    id: str
    field: str
    value: str


class _Column:
    """What was seen of one field: the number of values of each type, and the first words."""

    def __init__(self) -> None:
        self.counts: dict[FieldType, int] = {}
        self.whole = 0  # floats without a fraction
        self.codes = False  # leading zeros: numbers would lose them
        self.noted: dict[FieldType, list[OddValue]] = {}

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def joined(self) -> FieldType | None:
        """Return the narrowest type that holds all values."""
        found: FieldType | None = None
        for kind in self.counts:
            found = kind if found is None else join_types(found, kind)
        return found

    def fitting(self, kind: FieldType) -> int:
        """Return the number of values that a field of a type can hold."""
        fits = sum(count for own, count in self.counts.items() if join_types(own, kind) is kind)
        return fits + self.whole if kind is FieldType.INTEGER else fits

    def odd(self, kind: FieldType) -> Iterator[OddValue]:
        """Yield the values noted that do not fit a type."""
        for own, values in self.noted.items():
            if not _holds(kind, own):
                yield from values

    def count_odd(self, kind: FieldType) -> int:
        """Return the number of values that do not fit a type."""
        whole = self.whole if kind is FieldType.INTEGER else 0
        return sum(n for own, n in self.counts.items() if not _holds(kind, own)) - whole

    def usual(self) -> FieldType | None:
        """Return the type that all but a few values have; that of all where there is none."""
        joined = self.joined()
        if joined not in _WIDE or (self.codes and joined is FieldType.TEXT):
            return joined
        for kind in (*_NARROW, FieldType.TEXT, FieldType.NUMBERS):
            if self.fitting(kind) >= (1 - _MOST_ODD) * self.total:
                return kind
        return joined


class FieldTyper:
    """Infers the type of every field from the values of all rows.

    Typed values (JSON, Parquet) keep their type: the text "12" is text. With `parse_text` (CSV,
    TSV) text is parsed: "12" is an integer, "9.99" a float, "true" and "False" are booleans.
    Everything else is text, including "007", "+49" and whole numbers of more than 18 digits. Blank
    text is a missing value. A cell that spells NaN or an infinity is a missing value in a column of
    numbers, and a word in a column of words.

    A field of the generation before keeps its type if at least half of its values fit. A new one
    has the type of all but one in a hundred of its values. The others are odd, and left out.

    Args:
        parse_text: Parse text values as above.
        known: Types from earlier rows, such as those that a Parquet file declares.
        former: Types of the generation before.
        forced: Types that the user decided.
        kept: Fields of the generation before that stay, even where no row has them.
    """

    def __init__(
        self,
        *,
        parse_text: bool = False,
        known: Mapping[str, FieldType] | None = None,
        former: Mapping[str, FieldType] | None = None,
        forced: Mapping[str, FieldType] | None = None,
        kept: Iterable[str] = (),
    ) -> None:
        self._parse_text = parse_text
        self._known = dict(known or {})
        self._former = dict(former or {})
        self._forced = dict(forced or {})
        self._columns: dict[str, _Column] = {name: _Column() for name in (*self._known, *kept)}

    def observe(self, fields: Mapping[str, FieldValue], line: int = 0, row_id: str = "") -> None:
        """Include the fields of one row."""
        for name, value in fields.items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = _Column()
            kind = self._type_of(value)
            if kind is None:
                continue
            column.counts[kind] = column.counts.get(kind, 0) + 1
            if kind is FieldType.FLOAT and _is_whole(value):
                column.whole += 1
            elif kind not in (FieldType.INTEGER, FieldType.FLOAT):
                noted = column.noted.setdefault(kind, [])
                if len(noted) < _MOST_NOTED:
                    noted.append(OddValue(line, row_id, name, str(value)))
                if kind is FieldType.TEXT and str(value)[:1] == "0" and str(value).isdigit():
                    column.codes = True

    def types(self) -> dict[str, FieldType]:
        """Return the types so far, in the order in which the fields first appeared.

        A field without values has the type that it had before, or is text. Where `price` has
        members, as `price.amount`, a `price` without values is a missing object, and no field.
        """
        objects = {
            name[:at] for name in self._columns for at, letter in enumerate(name) if letter == "."
        }
        return {
            name: self._type(name, column)
            for name, column in self._columns.items()
            if column.counts or name not in objects
        }

    def _type(self, name: str, column: _Column) -> FieldType:
        if name in self._forced:
            return self._forced[name]
        former, joined = self._former.get(name), column.joined()
        if name in self._known:
            return self._known[name] if joined is None else join_types(self._known[name], joined)
        if former is None:
            codes = self._parse_text and _CODES.search(name) is not None
            return FieldType.TEXT if codes else column.usual() or FieldType.TEXT
        if joined is None or column.fitting(former) == column.total:
            return former
        if (former, joined) == (FieldType.INTEGER, FieldType.FLOAT):
            return FieldType.FLOAT
        return former if 2 * column.fitting(former) >= column.total else joined

    def odd_values(self) -> Iterator[OddValue]:
        """Yield the values that do not fit their field, up to a thousand of each type and field."""
        for name, kind in self.types().items():
            yield from self._columns[name].odd(kind)

    def notes(self) -> list[str]:
        """Say which values are left out, which types changed, and which are nearly numbers."""
        found = []
        for name, kind in self.types().items():
            column, former = self._columns[name], self._former.get(name)
            odd = column.count_odd(kind)
            if odd:
                found.append(
                    f"{name!r} is of type {kind.value}; {odd:,} of {column.total:,} values do not "
                    f"fit and are left out ({_shown(column.odd(kind))})"
                )
            if former is not None and former is not kind:
                found.append(
                    f"{name!r} changed its type from {former.value} to {kind.value}; --types "
                    f"{name}={former.value} keeps it"
                )
            words = column.counts.get(FieldType.TEXT, 0)
            nearly = kind is FieldType.TEXT is column.joined() and former is None
            if nearly and not column.codes and 0 < words <= _NEARLY * column.total:
                found.append(
                    f"{name!r} is text, since {words:,} of {column.total:,} values are no numbers "
                    f"({_shown(column.noted[FieldType.TEXT])}); --types {name}=number leaves them "
                    "out"
                )
        return found

    def cleaned(
        self, fields: Mapping[str, FieldValue], types: Mapping[str, FieldType]
    ) -> Mapping[str, FieldValue]:
        """Return the fields of a row without the values that do not fit these types."""
        return {name: value for name, value in fields.items() if self._fits(value, types.get(name))}

    def stored(self, fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
        """Return the fields of a row as they would be stored, without those that have no value."""
        types = self.types()
        (row,) = to_batch([self.cleaned(fields, types)], types).to_pylist()
        return {name: value for name, value in row.items() if value is not None}

    def _fits(self, value: FieldValue, kind: FieldType | None) -> bool:
        if kind is None or kind is FieldType.TEXT or value is None:
            return True
        own = self._type_of(value)
        if own is None or _holds(kind, own):
            return True
        whole = (kind, own) == (FieldType.INTEGER, FieldType.FLOAT)
        return whole and _is_whole(value)

    def schema(self) -> pa.Schema:
        """Return the types so far as an Arrow schema."""
        return arrow_schema(self.types())

    def _type_of(self, value: FieldValue) -> FieldType | None:
        if value is None:
            return None
        if isinstance(value, bool):
            return FieldType.BOOLEAN
        if isinstance(value, int):
            return FieldType.INTEGER if _INT64_MIN <= value <= _INT64_MAX else FieldType.TEXT
        if isinstance(value, float):
            return FieldType.FLOAT
        if isinstance(value, list):
            return type_of_list(value)
        return type_of_text(value) if self._parse_text else FieldType.TEXT


def _holds(kind: FieldType, own: FieldType) -> bool:
    """Whether a field of a type can keep values of another: text keeps lists as JSON."""
    return kind is FieldType.TEXT or join_types(own, kind) is kind


def _shown(values: Iterable[OddValue]) -> str:
    """Return the first values with their lines, for a note."""
    return ", ".join(f"line {odd.line}: {odd.value[:40]!r}" for odd in islice(values, 3))


def _is_whole(value: FieldValue) -> bool:
    return value is not None and float(str(value).strip()).is_integer()
