"""Columns: what was seen of the values of one field, and the type that they suggest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexer.catalog.fields.dates import DateOrder, WrittenDate, written_date
from indexer.catalog.fields.numbers import WrittenNumber, is_ambiguous_float, written_number
from indexer.catalog.fields.quick import QuickCount, quick_count
from indexer.catalog.fields.values import FieldType, FieldValue, join_types

__all__ = ["Column", "OddValue", "holds"]

# Of a new field, the share of values that may be odd.
_MOST_ODD = 0.01
# Values that are noted of each field and type.
_MOST_NOTED = 1000
# Texts that are remembered with their types, of which columns of colours and brands have few; and
# the types of which nothing but their number matters once enough values are noted.
_MOST_REMEMBERED = 1000
_REPEATED = frozenset({FieldType.TEXT, FieldType.BOOLEAN, FieldType.LABELS, FieldType.NUMBERS})
_NUMBERS = (FieldType.INTEGER, FieldType.FLOAT)
_LISTS = (FieldType.NUMBERS, FieldType.LABELS)
_NARROW = (FieldType.INTEGER, FieldType.FLOAT, FieldType.BOOLEAN, FieldType.DATE)
# Types that a few odd values may be the cause of.
_WIDE = (FieldType.TEXT, FieldType.LABELS, FieldType.NUMBERS)
# Letters that stand for yes and no, if a column has no others.
_PAIRS = ({"y", "n"}, {"y"}, {"n"}, {"j", "n"}, {"t", "f"}, set[str]())


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


class Column:
    """What was seen of one field.

    Attributes:
        parses: Whether its texts are read as numbers, booleans and dates.
        counts: Number of values of each type.
        noted: The first values of each type that is no number.
        whole: Number of floats without a fraction.
        codes: Whether there are leading zeros, which numbers would lose.
        words: Number of booleans that are words, such as `yes`.
        letters: The booleans that are one letter, such as `y`, and their numbers.
        written: Number of values with a currency, a unit, thousands or a decimal comma.
        doubtful: The first values such as `1,299`, whose mark may be decimal or not.
        dates: Number of dates by what they show of the order of day and month.
        doubtful_dates: The first dates such as `03/04/2026`.
    """

    def __init__(self, *, parses: bool = False) -> None:
        self.parses = parses
        self.counts: dict[FieldType, int] = {}
        self.noted: dict[FieldType, list[OddValue]] = {}
        self.whole = 0
        self.codes = False
        self.words = 0
        self.letters = Counter[str]()
        self.written = 0
        self.doubtful: list[OddValue] = []
        self.dates = Counter[DateOrder]()
        self.doubtful_dates: list[OddValue] = []
        self._other_dates: list[tuple[DateOrder, OddValue]] = []
        self._again: dict[str, FieldType] = {}
        self._marks = Counter[str]()
        self._doubtful_marks = Counter[str]()
        self._units = Counter[str]()
        self._currencies = False

    @property
    def total(self) -> int:
        """Number of values."""
        return sum(self.counts.values())

    def add(self, kind: FieldType, text: str | None = None) -> None:
        """Count a value; a text that is of a type without more to say is remembered."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if text is None or kind not in _REPEATED or len(self.noted.get(kind, ())) < _MOST_NOTED:
            return
        if len(self._again) < _MOST_REMEMBERED:
            self._again[text] = kind

    def add_all(self, values: Sequence[FieldValue]) -> bool:
        """Count values of which a quick look shows the type of all; returns whether it did.

        Only once enough values of such a type are noted.
        """
        if not self.parses:
            return False
        cells = [value.strip() for value in values if isinstance(value, str) and value]
        if not cells or len(cells) < sum(value is not None for value in values):
            return not any(value is not None for value in values)
        distinct = set(cells)
        if len(distinct) <= len(cells) // 4 and self._again.keys() >= distinct:
            for text, count in Counter(cells).items():
                self.counts[self._again[text]] += count
            return True
        found = quick_count(cells)
        if found is None:
            return False
        return self._add_counted(found, len(cells))

    def _add_counted(self, found: QuickCount, number: int) -> bool:
        kind = found.kind
        if kind in _NUMBERS:
            floats = 0 if kind is FieldType.INTEGER else number - found.whole
            self._count(FieldType.INTEGER, number - floats)
            self._count(FieldType.FLOAT, floats)
            self.whole += found.whole_floats
            if floats:
                self._marks["."] += floats - found.doubtful
                self._doubtful_marks["."] += found.doubtful
            return True
        if len(self.noted.get(kind, ())) < _MOST_NOTED:
            return False
        self._count(kind, number)
        self.codes |= found.codes
        if kind is FieldType.DATE:
            self.dates[DateOrder.ANY] += number
        return True

    def _count(self, kind: FieldType, number: int) -> None:
        if number:
            self.counts[kind] = self.counts.get(kind, 0) + number

    def add_again(self, text: str) -> bool:
        """Count a text that was counted before, if it is remembered."""
        kind = self._again.get(text)
        if kind is None:
            return False
        self.counts[kind] += 1
        return True

    def note(self, kind: FieldType, line: int, row_id: str, field: str, text: str) -> None:
        """Remember a value that may turn out to be odd."""
        noted = self.noted.get(kind)
        if noted is None:
            noted = self.noted[kind] = []
        if len(noted) < _MOST_NOTED:
            noted.append(OddValue(line, row_id, field, text))

    def add_written(self, number: WrittenNumber, value: OddValue) -> None:
        """Include what a number shows of the column's decimal mark, currency and unit."""
        self.written += 1
        if number.mark:
            self._marks[number.mark] += 1
        if number.ambiguous:
            self._doubtful_marks[number.ambiguous] += 1
            if len(self.doubtful) < _MOST_NOTED:
                self.doubtful.append(value)
        if number.unit:
            self._units[number.unit.lower()] += 1
        self._currencies |= number.currency is not None

    def add_date(self, date: WrittenDate, value: OddValue) -> None:
        """Include what a date shows of the column's order of day and month."""
        self.dates[date.order] += 1
        if date.order is DateOrder.UNKNOWN and len(self.doubtful_dates) < _MOST_NOTED:
            self.doubtful_dates.append(value)
        plain = date.order in (DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST)
        if plain and len(self._other_dates) < _MOST_NOTED:
            self._other_dates.append((date.order, value))

    def add_plain(self, text: str) -> None:
        """Include what a plain number with a point shows of the decimal mark."""
        # Few have three decimals.
        doubtful = text[-4:-3] == "." and is_ambiguous_float(text)
        (self._doubtful_marks if doubtful else self._marks)["."] += 1

    @property
    def mark(self) -> str | None:
        """The decimal mark; None where both are in use, so that `1,299` can't be read."""
        seen = self._marks or self._doubtful_marks
        if seen[","] and seen["."]:
            return None
        if self._marks:
            return "," if self._marks[","] else "."
        # Prices have no three decimals.
        return "," if self._doubtful_marks["."] and self._currencies else "."

    @property
    def order(self) -> DateOrder:
        """Whether the day or the month is first in its dates."""
        month_first = self.dates[DateOrder.MONTH_FIRST] > self.dates[DateOrder.DAY_FIRST]
        return DateOrder.MONTH_FIRST if month_first else DateOrder.DAY_FIRST

    @property
    def guessed(self) -> bool:
        """Whether nothing shows how to read `1,299`."""
        return bool(self.doubtful) and not self._marks

    @property
    def guessed_order(self) -> bool:
        """Whether nothing shows how to read `03/04/2026`."""
        return bool(self.doubtful_dates) and not self._other_dates

    @property
    def beside(self) -> str | None:
        """What stands beside its numbers, for the name of another field."""
        return "currency" if self._currencies else "unit" if self._units else None

    def read(self, text: str) -> tuple[FieldValue, str | None]:
        """Return a number, and its currency or unit; None if it can't be read.

        A text that is no number, or a plain one, comes back as it is.
        """
        number = written_number(text)
        if number is None:
            return text, None
        if number.ambiguous and self.mark is None:
            return None, None
        return number.value(self.mark or number.mark), number.currency or number.unit

    def read_date(self, text: str) -> str | None:
        """Return a date in ISO 8601 form; None if it is none, or in another order."""
        date = written_date(text)
        return None if date is None else date.read(self.order)

    @property
    def _mixes_units(self) -> bool:
        """Whether numbers can't be compared: `500 g` with `1 kg`, or with `3`."""
        numbers = self.counts.get(FieldType.INTEGER, 0) + self.counts.get(FieldType.FLOAT, 0)
        return bool(self._units) and (len(self._units) > 1 or self._units.total() < numbers)

    def joined(self) -> FieldType | None:
        """Return the narrowest type that holds all values."""
        found: FieldType | None = None
        for kind in self.counts:
            found = kind if found is None else join_types(found, kind)
        return FieldType.TEXT if self._mixes_units else found

    def fitting(self, kind: FieldType) -> int:
        """Return the number of values that a field of a type can hold."""
        fits = sum(count for own, count in self.counts.items() if join_types(own, kind) is kind)
        if kind is FieldType.DATE:
            return fits - self._misordered
        return fits + self.whole if kind is FieldType.INTEGER else fits

    @property
    def _misordered(self) -> int:
        """The number of dates in the order that the column does not have."""
        return min(self.dates[DateOrder.DAY_FIRST], self.dates[DateOrder.MONTH_FIRST])

    def odd(self, kind: FieldType) -> Iterator[OddValue]:
        """Yield the values noted that do not fit a type."""
        for own, values in self.noted.items():
            if not holds(kind, own):
                yield from values
        if self.mark is None and kind in _NUMBERS:
            yield from self.doubtful
        if kind is FieldType.DATE:
            yield from (value for order, value in self._other_dates if order is not self.order)

    def count_odd(self, kind: FieldType) -> int:
        """Return the number of values that do not fit a type."""
        whole = self.whole if kind is FieldType.INTEGER else 0
        doubtful = self._doubtful_marks.total() if self.mark is None and kind in _NUMBERS else 0
        misordered = self._misordered if kind is FieldType.DATE else 0
        odd = sum(n for own, n in self.counts.items() if not holds(kind, own))
        return odd - whole + doubtful + misordered

    def usual(self) -> FieldType | None:
        """Return the type that all but a few values have; that of all where there is none."""
        joined = self.joined()
        if joined is FieldType.BOOLEAN and set(self.letters) not in _PAIRS:
            return FieldType.TEXT  # codes of something else
        if joined is FieldType.DATE and self.fitting(joined) < self.total:
            joined = FieldType.TEXT
        if joined not in _WIDE or self._mixes_units or (self.codes and joined is FieldType.TEXT):
            return joined
        for kind in (*_NARROW, FieldType.TEXT, FieldType.NUMBERS):
            if kind is FieldType.BOOLEAN and self.words:
                continue  # Norway's code is a word of a boolean, too
            if self.fitting(kind) >= (1 - _MOST_ODD) * self.total:
                return kind
        return joined

    def kept(self, former: FieldType) -> FieldType:
        """Return the type of a field that had one in the generation before: as a rule, that.

        Whole numbers become numbers and single values lists where the catalog has these now, since
        both hold what was there before.
        """
        lists = {kind: self.counts.get(kind, 0) for kind in _LISTS}
        several = sum(lists.values())
        if several and former not in _LISTS:
            # Cells of text that look like a list are few by chance.
            if not self.parses or several > _MOST_ODD * self.total:
                numbers = former in _NUMBERS and lists[FieldType.NUMBERS] >= lists[FieldType.LABELS]
                return FieldType.NUMBERS if numbers else FieldType.LABELS
        elif former is FieldType.INTEGER and self.counts.get(FieldType.FLOAT, 0) > self.whole:
            return FieldType.FLOAT
        return former


def holds(kind: FieldType, own: FieldType) -> bool:
    """Whether a field of a type can keep values of another: text keeps lists as JSON."""
    return kind is FieldType.TEXT or join_types(own, kind) is kind
