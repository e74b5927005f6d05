"""Field types: inferred from all values of a field, and kept from one build to the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice

import pyarrow as pa

from indexer.catalog.fields.column import Column, OddValue, holds
from indexer.catalog.fields.dates import DateOrder, written_date
from indexer.catalog.fields.numbers import written_number
from indexer.catalog.fields.quick import CODE, quick_type
from indexer.catalog.fields.values import (
    FieldType,
    FieldValue,
    arrow_schema,
    is_boolean_word,
    join_types,
    to_batch,
    type_of_list,
    type_of_text,
)

__all__ = ["FieldTyper", "OddValue"]

# Rows that are looked at together.
_BATCH_ROWS = 1000
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# A text field with at most this share of words is nearly one of numbers.
_NEARLY = 0.2
_NUMBERS = (FieldType.INTEGER, FieldType.FLOAT)
# A field that is of one of these types has its texts read, whatever the format.
_PARSED = (*_NUMBERS, FieldType.BOOLEAN, FieldType.DATE)
_READ_OF_TEXTS = (FieldType.DATE, FieldType.LABELS, FieldType.NUMBERS)
# Fields whose texts are numbers of money, in four languages.
_PRICES = re.compile(
    r"(?:^|[^a-z])(?:prices?|preise?|prix|precios?|cost|costs|kosten|uvp|msrp|rrp)(?:[^a-z]|$)",
    re.IGNORECASE,
)
# Columns of codes, which stay text as written even where all of them are digits.
_CODES = re.compile(
    r"(?:^|[^a-z])(?:ean|gtin|upc|isbn|barcode|sku|mpn|asin|plz|zip|postcode|phone"
    r"|group_id|group id)(?:\d*$|[^a-z])",
    re.IGNORECASE,
)


class FieldTyper:
    """Infers the type of every field from the values of all rows.

    Typed values (JSON, Parquet) keep their type: the text "12" is text. With `parse_text` (CSV,
    TSV) text is parsed: "12" is an integer, "9.99" a float, "true" and "no" are booleans. Numbers
    with a currency, a unit, thousands or a decimal comma ("1.299,00 €", "25 %") are floats, with
    the currency or unit in a field beside them; also among typed values, if they have a currency or
    the field is called a price. A column decides how "1,299" is read; numbers of several units, or
    of one in some rows, are text.

    Texts of any format are dates if their column holds dates, and become ISO 8601; the column
    decides whether the day or the month is first in "03/04/2026". They are lists if they are
    written as JSON or Python writes lists. Everything else is text, including "007", "+49" and
    whole numbers of more than 18 digits. Blank text is a missing value. A cell that spells NaN or
    an infinity is a missing value in a column of numbers, and a word in a column of words.

    A field of the generation before keeps its type, except that whole numbers may become numbers,
    and single values lists. A new one has the type of all but one in a hundred of its values. The
    others are odd, and left out.

    Args:
        parse_text: Parse text values as above.
        known: Types from earlier rows, such as those that a Parquet file declares.
        former: Types of the generation before.
        forced: Types that the user decided.
        kept: Fields of the generation before that stay, even where no row has them.
        place: Names the place of a line in notes.
    """

    def __init__(
        self,
        *,
        parse_text: bool = False,
        known: Mapping[str, FieldType] | None = None,
        former: Mapping[str, FieldType] | None = None,
        forced: Mapping[str, FieldType] | None = None,
        kept: Iterable[str] = (),
        place: Callable[[int], object] = str,
    ) -> None:
        self._place = place
        self._rows: list[tuple[Mapping[str, FieldValue], int, str]] = []
        self._parse_text = parse_text
        self._known = dict(known or {})
        self._former = dict(former or {})
        self._forced = dict(forced or {})
        self._columns = {name: self._new_column(name) for name in (*self._known, *kept)}

    def observe(self, fields: Mapping[str, FieldValue], line: int = 0, row_id: str = "") -> None:
        """Include the fields of one row. They are looked at later, with those of other rows."""
        self._rows.append((fields, line, row_id))
        if len(self._rows) >= _BATCH_ROWS:
            self._look()

    def _look(self) -> None:
        """Look at the rows that were observed, column by column, which is quicker."""
        rows = self._rows
        if not rows:
            return
        self._rows = []
        for name in dict.fromkeys(chain.from_iterable(fields for fields, _, _ in rows)):
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = self._new_column(name)
            values = [fields.get(name) for fields, _, _ in rows]
            if not column.add_all(values):
                for value, (_, line, row_id) in zip(values, rows, strict=True):
                    if value is None or (isinstance(value, str) and column.add_again(value)):
                        continue
                    self._observe(column, value, line, row_id, name)

    def _observe(
        self, column: Column, value: FieldValue, line: int, row_id: str, name: str
    ) -> None:
        kind: FieldType | str | None = None
        if isinstance(value, str) and column.parses:
            kind = quick_type(value.strip())
            if kind is FieldType.INTEGER:
                column.add(FieldType.INTEGER)
                return
            if kind is FieldType.FLOAT:
                column.whole += value.rstrip().rstrip("0")[-1:] == "."
                column.add_plain(value)
                column.add(FieldType.FLOAT)
                return
            if kind is FieldType.TEXT or kind == CODE:
                column.codes |= kind == CODE
                column.note(FieldType.TEXT, line, row_id, name, value)
                column.add(FieldType.TEXT, value)
                return
            if kind is FieldType.DATE:
                column.dates[DateOrder.ANY] += 1
                column.note(FieldType.DATE, line, row_id, name, value)
                column.add(FieldType.DATE, value)
                return
        own = _type_of(value, parse_text=column.parses)
        if own is None:
            return
        if own is FieldType.FLOAT:
            column.whole += _is_whole(value)
            if isinstance(value, str):
                column.add_plain(value)
        elif own is not FieldType.INTEGER:
            own = self._observe_words(column, own, OddValue(line, row_id, name, str(value)))
        column.add(own, value if isinstance(value, str) else None)

    def _new_column(self, name: str) -> Column:
        decided = self._forced.get(name, self._former.get(name))
        as_text = self._parse_text or decided in _PARSED or _PRICES.search(name) is not None
        return Column(parses=as_text)

    def _observe_words(self, column: Column, kind: FieldType, value: OddValue) -> FieldType:
        """Include a value that is no plain number; returns its type."""
        text = value.value
        if kind is FieldType.TEXT:
            number = written_number(text)
            # Typed text, as in JSON, is a number only where something says of what.
            if number is not None and (column.parses or number.currency):
                column.add_written(number, value)
                return FieldType.FLOAT
            if column.parses and is_boolean_word(text):
                column.words += 1
                if len(letter := text.strip().lower()) == 1:
                    column.letters[letter] += 1
                kind = FieldType.BOOLEAN
            elif (date := written_date(text)) is not None:
                column.add_date(date, value)
                kind = FieldType.DATE
            elif text[:1] == "0" and text.isdigit():
                column.codes = True
        column.note(kind, value.line, value.id, value.field, value.value)
        return kind

    def types(self) -> dict[str, FieldType]:
        """Return the types so far, in the order in which the fields first appeared.

        A field without values has the type that it had before, or is text. Where `price` has
        members, as `price.amount`, a `price` without values is a missing object, and no field.
        """
        self._look()
        objects = {
            name[:at] for name in self._columns for at, letter in enumerate(name) if letter == "."
        }
        found: dict[str, FieldType] = {}
        for name, column in self._columns.items():
            if column.counts or name not in objects:
                found[name] = self._type(name, column)
                if (beside := self._beside(name, found[name])) is not None:
                    found[beside] = FieldType.TEXT
        return found

    def _beside(self, name: str, kind: FieldType | None) -> str | None:
        """Return the field of a number's currencies or units: `price_currency`; None for none."""
        column = self._columns.get(name)
        if column is None or column.beside is None or kind not in _NUMBERS:
            return None
        beside = f"{name}_{column.beside}"
        return beside if not (other := self._columns.get(beside)) or not other.counts else None

    def _type(self, name: str, column: Column) -> FieldType:
        if name in self._forced:
            return self._forced[name]
        former, joined = self._former.get(name), column.joined()
        if former is not None:
            return column.kept(former)
        known = self._known.get(name)
        if known is FieldType.TEXT:
            return self._of_texts(column)
        if known is not None:
            return known if joined is None else join_types(known, joined)
        codes = self._parse_text and _CODES.search(name) is not None
        return FieldType.TEXT if codes else column.usual() or FieldType.TEXT

    def _of_texts(self, column: Column) -> FieldType:
        """Return the type of a column of texts, of which prices, dates and lists are read."""
        usual = column.usual() or FieldType.TEXT
        if usual in _NUMBERS:
            return usual if column.parses or column.written else FieldType.TEXT
        return usual if usual in _READ_OF_TEXTS else FieldType.TEXT

    def odd_values(self) -> Iterator[OddValue]:
        """Yield the values that do not fit their field, up to a thousand of each type and field."""
        for name, kind in self.types().items():
            if name in self._columns:
                yield from self._columns[name].odd(kind)

    def notes(self) -> list[str]:
        """Say which values are left out, which types changed, and which are nearly numbers."""
        found = []
        for name, kind in self.types().items():
            column, former = self._columns.get(name, Column()), self._former.get(name)
            odd = column.count_odd(kind)
            if odd:
                found.append(
                    f"{name!r} is of type {kind.value}; {odd:,} of {column.total:,} values do not "
                    f"fit and are left out ({self._shown(column.odd(kind))})"
                )
            if former is not None and former is not kind:
                found.append(
                    f"{name!r} changed its type from {former.value} to {kind.value}; --types "
                    f"{name}={former.value} keeps it"
                )
            if kind is FieldType.DATE and column.guessed_order:
                found.append(
                    f"{name!r} has dates that can be read in two ways; they are read with the day "
                    f"first ({self._shown(column.doubtful_dates)}); --types {name}=text leaves "
                    "them as written"
                )
            if kind in _NUMBERS and column.guessed:
                found.append(
                    f"{name!r} has values whose comma or point may be decimal or not; they are "
                    f"read with {'commas' if column.mark == ',' else 'points'} as decimal "
                    f"({self._shown(column.doubtful)}); --types {name}=text leaves them as written"
                )
            words = column.counts.get(FieldType.TEXT, 0)
            nearly = kind is FieldType.TEXT is column.joined() and former is None
            if nearly and not column.codes and 0 < words <= _NEARLY * column.total:
                found.append(
                    f"{name!r} is text, since {words:,} of {column.total:,} values are no numbers "
                    f"({self._shown(column.noted[FieldType.TEXT])}); --types {name}=number leaves "
                    "them out"
                )
        return found

    def _shown(self, values: Iterable[OddValue]) -> str:
        """Return the first values with their lines, for a note."""
        first = islice(values, 3)
        return ", ".join(f"line {self._place(odd.line)}: {odd.value[:40]!r}" for odd in first)

    def cleaned(
        self, fields: Mapping[str, FieldValue], types: Mapping[str, FieldType]
    ) -> Mapping[str, FieldValue]:
        """Return the fields of a row as these types hold them, without values that do not fit."""
        found: dict[str, FieldValue] = {}
        for name, raw in fields.items():
            value, kind = raw, types.get(name)
            if isinstance(raw, str) and kind in _NUMBERS and self._columns[name].written:
                value, unit = self._columns[name].read(raw)
                if unit and (beside := self._beside(name, kind)) is not None:
                    found[beside] = unit
            elif isinstance(raw, str) and kind is FieldType.DATE:
                value = self._columns[name].read_date(raw)
            if self._fits(name, value, kind):
                found[name] = value
        return found

    def stored(self, fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
        """Return the fields of a row as they would be stored, without those that have no value."""
        types = self.types()
        (row,) = to_batch([self.cleaned(fields, types)], types).to_pylist()
        return {name: value for name, value in row.items() if value is not None}

    def _fits(self, name: str, value: FieldValue, kind: FieldType | None) -> bool:
        if kind is FieldType.DATE:
            return isinstance(value, str)
        if kind in (None, FieldType.TEXT) or value is None:
            return True
        column = self._columns.get(name)
        parses = self._parse_text if column is None else column.parses
        own = _type_of(value, parse_text=parses)
        if own is None or holds(kind, own):
            return True
        if kind is FieldType.BOOLEAN and isinstance(value, str) and parses:
            return is_boolean_word(value)
        whole = (kind, own) == (FieldType.INTEGER, FieldType.FLOAT)
        return whole and _is_whole(value)

    def schema(self) -> pa.Schema:
        """Return the types so far as an Arrow schema."""
        return arrow_schema(self.types())


def _type_of(value: FieldValue, *, parse_text: bool) -> FieldType | None:
    if value is None or isinstance(value, bool):
        return None if value is None else FieldType.BOOLEAN
    if isinstance(value, int):
        return FieldType.INTEGER if _INT64_MIN <= value <= _INT64_MAX else FieldType.TEXT
    if isinstance(value, float):
        return FieldType.FLOAT
    if isinstance(value, list):
        return type_of_list(value)
    # Of typed text, only lists are looked for.
    return type_of_text(value) if parse_text or value[:1] == "[" else FieldType.TEXT


def _is_whole(value: FieldValue) -> bool:
    return value is not None and float(str(value).strip()).is_integer()
