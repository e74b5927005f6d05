"""Dates as people write them: day, month and year in any order, with or without a time."""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from typing import NamedTuple

__all__ = ["MONTHS", "DateOrder", "WrittenDate", "date_operand", "is_iso_date", "written_date"]

_MOST_CHARACTERS = 40
_LEAST_CHARACTERS = 6
# Two-digit years below this are of this century.
_CENTURY = 70
_NOON = 12
_TIME = (
    r"(?:(?:[T,]|\s)\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<part>[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?(?:\s?Uhr)?)?"
)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})" + _TIME)
_YEAR_LAST = re.compile(
    r"(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})" + _TIME
)
_NAMED = re.compile(
    r"(?:[A-Za-z]{2,3}\.?,\s*)?(?:(?P<day>\d{1,2})(?:\.|st|nd|rd|th)?[\s-]+(?:de\s+)?(?P<month>[^\W\d_]{3,10})\.?"
    r"|(?P<first>[^\W\d_]{3,10})\.?\s+(?P<after>\d{1,2})(?:st|nd|rd|th)?,?)[\s-]+(?:de\s+)?(?P<year>\d{4})"
    + _TIME
)
# A year, or a month: a beginning of dates in ISO 8601 form.
_BEGINNING = re.compile(r"\d{4}(?:-(?:\d{2})?)?")
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero ene", "feb february februar février fév febrero",
            "mar march märz mär mrz mars marzo", "apr april avril avr abril abr",
            "may mai mayo", "jun june juni juin junio", "jul july juli juillet juil julio",
            "aug august août aou agosto ago", "sep sept september septembre septiembre",
            "oct october oktober okt octobre octubre", "nov november novembre noviembre",
            "dec december dezember dez décembre déc diciembre dic",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
"""Months by their names, in English, German, French and Spanish."""


class DateOrder(StrEnum):
    """Which of two numbers is the day."""

    ANY = "any"  # it does not matter, or is plain
    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    UNKNOWN = "unknown"  # either may be: 03/04/2026


class WrittenDate(NamedTuple):
    """A date as it is written.

    Attributes:
        order: What it shows of the order of day and month.
        day_first: It in ISO 8601 form, if the day is first or the order is plain.
        month_first: The same if the month is first.
    """

    order: DateOrder
    day_first: str
    month_first: str

    def read(self, order: DateOrder) -> str | None:
        """Return the date in ISO 8601 form, in a column of an order; None if it has another."""
        if self.order not in (DateOrder.ANY, DateOrder.UNKNOWN, order):
            return None
        return self.month_first if order is DateOrder.MONTH_FIRST else self.day_first


def written_date(text: str) -> WrittenDate | None:
    """Read a date, perhaps with a time; None if it is none.

    Times with a zone become UTC. Years have four digits, or two where day and month have two.
    """
    text = text.strip()
    if not _LEAST_CHARACTERS <= len(text) <= _MOST_CHARACTERS:
        return None
    if (found := _YEAR_FIRST.fullmatch(text)) is not None:
        return _plain(found, found["year"], found["month"], found["day"])
    if (found := _YEAR_LAST.fullmatch(text)) is not None:
        return _year_last(found)
    if (found := _NAMED.fullmatch(text)) is not None:
        month = MONTHS.get((found["month"] or found["first"]).lower())
        day = found["day"] or found["after"]
        return _plain(found, found["year"], str(month), day) if month else None
    return None


def is_iso_date(text: str) -> bool:
    """Whether a text is a date as fields hold it: `2026-03-01` or `2026-03-01T09:00:00Z`."""
    found = written_date(text)
    return found is not None and found.read(DateOrder.DAY_FIRST) == text.strip()


def date_operand(text: str) -> str | None:
    """Return a date that others are compared with in ISO 8601 form; also a year or a month.

    None for a text that is no date, or that may be two: `03/04/2026`.
    """
    text = text.strip()
    if _BEGINNING.fullmatch(text):
        return text
    found = written_date(text)
    return None if found is None or found.order is DateOrder.UNKNOWN else found.day_first


def _plain(found: re.Match[str], year: str, month: str, day: str) -> WrittenDate | None:
    iso = _iso(found, year, month, day)
    return None if iso is None else WrittenDate(DateOrder.ANY, iso, iso)


def _year_last(found: re.Match[str]) -> WrittenDate | None:
    one, two, year = found["one"], found["two"], found["year"]
    if len(year) == 2:  # noqa: PLR2004 - digits
        # 1.2.24 is more often a version, and 10-20-30 a size.
        if len(one) + len(two) < 4 or found["mark"] == "-":  # noqa: PLR2004
            return None
        year = f"{20 if int(year) < _CENTURY else 19}{year}"
    day_first = _iso(found, year, two, one)
    month_first = _iso(found, year, one, two) if found["mark"] != "." else None
    if day_first is None and month_first is None:
        return None
    if found["mark"] == "." or day_first == month_first:
        order = DateOrder.ANY
    elif month_first is None:
        order = DateOrder.DAY_FIRST
    elif day_first is None:
        order = DateOrder.MONTH_FIRST
    else:
        order = DateOrder.UNKNOWN
    first = day_first or month_first or ""
    return WrittenDate(order, first, month_first or first)


def _iso(found: re.Match[str], year: str, month: str, day: str) -> str | None:
    try:
        date = dt.date(int(year), int(month), int(day))
        if found["hour"] is None:
            return date.isoformat()
        return _with_time(found, date)
    except (ValueError, OverflowError):
        return None


def _with_time(found: re.Match[str], date: dt.date) -> str:
    hour, half = int(found["hour"]), (found["half"] or "").lower()
    if half:
        if not 1 <= hour <= _NOON:
            raise ValueError(hour)
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    micro = int((found["part"] or ".")[1:7].ljust(6, "0"))
    moment = dt.datetime.combine(
        date, dt.time(hour, int(found["minute"]), int(found["second"] or 0), micro)
    )
    zone = found["zone"]
    if zone is None:
        return moment.isoformat()
    if zone[0] in "+-":
        ahead = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - ahead if zone[0] == "+" else moment + ahead
    return moment.isoformat() + "Z"
