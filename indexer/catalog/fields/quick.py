"""Quick looks at cells: the type of most cells, without trying each kind of value in turn."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import NamedTuple

from indexer.catalog.fields.dates import MONTHS
from indexer.catalog.fields.values import FieldType

__all__ = ["CODE", "QuickCount", "quick_count", "quick_type"]

CODE = "code"
"""Says that a cell holds digits with a zero before them."""

# Digits that int64 always holds, and floats that are finite in any case.
_PLAIN = re.compile(
    r"(?P<whole>0|-?[1-9][0-9]{0,17})"
    r"|(?P<float>-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,40})"
    r"|(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"|(?P<code>0[0-9]+)"
)
# Whole columns, joined by line feeds. Two digits of a day that every month has.
_ALL_WHOLE = re.compile(r"(?:(?:0|-?[1-9][0-9]{0,17})(?:\n|\Z))+")
_ALL_NUMBERS = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,40})?(?:\n|\Z))+")
_MINUS_ZERO = re.compile(r"-0(?:\n|\Z)")
_WHOLE_FLOAT = re.compile(r"\.0+(?:\n|\Z)")
_DOUBTFUL = re.compile(r"(?:^|[\n-])[1-9][0-9]{0,2}\.[0-9]{3}(?:\n|\Z)")
_ALL_DATES = re.compile(r"(?:[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])(?:\n|\Z))+")
_ALL_CODES = re.compile(r"(?:0[0-9]+(?:\n|\Z))+")
_TYPES = {"whole": FieldType.INTEGER, "float": FieldType.FLOAT, "code": CODE}
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
# Booleans and missing values have fewer letters. Numbers and dates begin with no longer word than
# this but those of months and currencies.
_LONGEST_BOOLEAN = 9
_LONGEST_SIGN = 3
_STARTERS = frozenset({*MONTHS, "euro", "euros"})
# Words that begin with four letters, none of them a month's or a currency's.
_ALL_WORDS = re.compile(
    rf"(?:(?!(?:{'|'.join(_STARTERS)})(?![^\W\d_]))[^\W\d_]{{4,}}[^\n]{{6,}}(?:\n|\Z))+",
    re.IGNORECASE,
)


def quick_type(text: str) -> FieldType | str | None:
    """Return the type of a cell if a quick look shows it; None if it does not.

    `CODE` stands for digits with leading zeros. A date is seen in ISO 8601 form alone.

    Args:
        text: The cell, without blanks around it.
    """
    found = _PLAIN.fullmatch(text)
    if found is not None:
        kind = found.lastgroup
        return _date(text) if kind == "date" else _TYPES.get(kind or "")
    word = _WORD.match(text)
    if word is None or len(text) <= _LONGEST_BOOLEAN:
        return None
    first = word.end()
    starts = first <= _LONGEST_SIGN or word.group().lower() in _STARTERS
    return None if starts and _DIGIT.search(text) else FieldType.TEXT


def _date(text: str) -> FieldType | None:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return None
    return FieldType.DATE


class QuickCount(NamedTuple):
    """What a quick look at a whole column of cells shows.

    Attributes:
        kind: The type of all cells; `FieldType.FLOAT` also where some are whole numbers.
        whole: Number of whole numbers among floats.
        whole_floats: Number of floats without a fraction, such as `2.0`.
        doubtful: Number of floats such as `1.299`.
        codes: Whether all are digits with leading zeros.
    """

    kind: FieldType
    whole: int = 0
    whole_floats: int = 0
    doubtful: int = 0
    codes: bool = False


def quick_count(cells: Sequence[str]) -> QuickCount | None:
    """Return the type of a column of cells if a quick look shows it; None if it does not.

    Args:
        cells: One or more, without blanks around them.
    """
    joined = "\n".join(cells)
    first = joined[:1]
    if first.isalpha():
        return QuickCount(FieldType.TEXT) if _is_all(_ALL_WORDS, joined, cells) else None
    if _is_all(_ALL_WHOLE, joined, cells):
        return QuickCount(FieldType.INTEGER)
    if _is_all(_ALL_NUMBERS, joined, cells) and not _MINUS_ZERO.search(joined):
        whole_floats = len(_WHOLE_FLOAT.findall(joined))
        doubtful = sum(1 for cell in cells if cell[-4:-3] == "." and _DOUBTFUL.fullmatch(cell))
        return QuickCount(FieldType.FLOAT, len(cells) - joined.count("."), whole_floats, doubtful)
    if _is_all(_ALL_DATES, joined, cells):
        return QuickCount(FieldType.DATE)
    if _is_all(_ALL_CODES, joined, cells):
        return QuickCount(FieldType.TEXT, codes=True)
    return None


def _is_all(pattern: re.Pattern[str], joined: str, cells: Sequence[str]) -> bool:
    """Whether each cell matches; a cell with a line feed would be two."""
    return pattern.fullmatch(joined) is not None and joined.count("\n") == len(cells) - 1
