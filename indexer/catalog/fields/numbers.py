"""Numbers as people write them: prices, percentages, measures, thousands and decimal commas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["WrittenNumber", "is_ambiguous_float", "written_number"]

# Signs that one currency has; others ($, kr, ¥) are of several, and stay as they are written.
_OWN_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₪": "ILS",
              "₫": "VND", "₴": "UAH", "zł": "PLN", "kč": "CZK", "r$": "BRL",
              "us$": "USD", "us $": "USD", "usd $": "USD", "a$": "AUD", "au$": "AUD", "au $": "AUD",
              "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "sfr.": "CHF",
              "euro": "EUR", "euros": "EUR", "円": "JPY", "元": "CNY",
              "\u0440\u0443\u0431": "RUB", "\u0440\u0443\u0431.": "RUB",  # rub in Cyrillic
              "грн": "UAH"}  # fmt: skip
_SHARED_SIGNS = ("$", "¥", "kr", "kr.", "fr.", "fr", "lei", "lv", "rs", "rs.")
_CODES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW "
    "MXN MYR NOK NZD PEN PHP PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
_UNITS = (
    "% ‰ mm cm dm m km mg g kg t ml cl dl l oz lb lbs in inch mm² cm² m² m³ w kw v mah wh kwh hz "
    "khz mhz ghz kb mb gb tb px mp pcs stk stück db lm °c °f"
)


def _any_of(words: Iterable[str]) -> str:
    """Return a pattern of some words, the longest first."""
    return "|".join(map(re.escape, sorted(set(words), key=len, reverse=True)))


_CURRENCIES = _any_of((*_OWN_SIGNS, *_SHARED_SIGNS, *_CODES.lower().split()))
_MEASURES = _any_of(_UNITS.split())
_SPACE = " \u00a0\u202f\u2009"
_WRITTEN = re.compile(
    rf"(?P<minus>[-\u2212])?[{_SPACE}]*(?:(?P<before>{_CURRENCIES})[{_SPACE}]*)?(?P<sign>[-\u2212])?"
    rf"(?P<digits>[0-9](?:[0-9.,'\u2019{_SPACE}]*[0-9])?)(?:[.,][-\u2013\u2014]{{1,2}})?"
    rf"[{_SPACE}]*(?:(?P<after>{_CURRENCIES})|(?P<unit>{_MEASURES}))?",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,17})")
_GROUPS = re.compile(rf"[1-9][0-9]{{0,2}}(?:[.,'\u2019{_SPACE}][0-9]{{3}}){{1,5}}")
# As India groups: 12,34,567.
_LAKHS = re.compile(r"[1-9][0-9]?(?:,[0-9]{2}){1,6},[0-9]{3}")
_DECIMALS = re.compile(r"[0-9]{1,12}")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_MOST_CHARACTERS = 32
_LEAST_GROUPED_TWICE = 2


class WrittenNumber(NamedTuple):
    """A number as it is written.

    Attributes:
        whole: Its digits before the decimal mark; with their mark where that may be a decimal one.
        decimals: Its digits after it; empty if there are none.
        negative: Whether it has a minus.
        mark: What it shows of the decimal mark: `,` or `.`; empty if nothing.
        ambiguous: The mark of `1,299` and `1.299`, which is decimal or of thousands; else empty.
        currency: Its currency: a code, or the sign where several currencies have it.
        unit: Its unit, as written.
    """

    whole: str
    decimals: str
    negative: bool
    mark: str
    ambiguous: str
    currency: str | None
    unit: str | None

    def value(self, mark: str) -> float:
        """Return the number, where a column has a decimal mark."""
        whole, decimals = self.whole, self.decimals
        if self.ambiguous:
            before, after = whole.split(self.ambiguous)
            whole, decimals = (before, after) if self.ambiguous == mark else (before + after, "")
        number = float(f"{whole}.{decimals or 0}")
        return -number if self.negative else number


def written_number(text: str) -> WrittenNumber | None:
    """Read a number with a currency, a unit, thousands or a decimal comma; None if it is none.

    Numbers with leading zeros, such as `00,5` and `012 345`, are codes.
    """
    text = text.strip()
    if len(text) > _MOST_CHARACTERS:
        return None
    found = _WRITTEN.fullmatch(text)
    if found is None or (found["minus"] and found["sign"]):
        return None
    parts = _parts(found["digits"])
    if parts is None:
        return None
    whole, decimals, mark, ambiguous = parts
    negative = bool(found["minus"] or found["sign"])
    known = {_currency(written) for written in (found["before"], found["after"]) if written}
    # `$5 USD` has the code of its sign; `€5 USD` means nothing.
    known = known - set(_SHARED_SIGNS) if len(known) > 1 else known
    if len(known) > 1:
        return None
    currency = next(iter(known), None)
    return WrittenNumber(whole, decimals, negative, mark, ambiguous, currency, found["unit"])


def is_ambiguous_float(text: str) -> bool:
    """Whether a plain number, such as `1.299`, is one of thousands where commas are decimal."""
    return _AMBIGUOUS.fullmatch(text.strip().lstrip("-")) is not None


def _currency(written: str) -> str:
    lower = written.lower()
    if lower in _OWN_SIGNS:
        return _OWN_SIGNS[lower]
    return written.upper() if written.upper() in _CODES.split() else lower


def _parts(digits: str) -> tuple[str, str, str, str] | None:
    """Return the digits before and after the decimal mark, the mark, and an ambiguous one."""
    commas, points = digits.count(","), digits.count(".")
    if commas and points:
        mark = "," if digits.rfind(",") > digits.rfind(".") else "."
        return None if digits.count(mark) > 1 else _split(digits, mark)
    single = "," if commas else "." if points else ""
    if not single:
        whole = _whole(digits)
        return None if whole is None else (whole, "", "", "")
    if digits.count(single) >= _LEAST_GROUPED_TWICE:
        whole = _whole(digits)
        return None if whole is None else (whole, "", "." if single == "," else ",", "")
    if _AMBIGUOUS.fullmatch(digits):
        return digits, "", "", single
    return _split(digits, single)


def _split(digits: str, mark: str) -> tuple[str, str, str, str] | None:
    before, after = digits.split(mark)
    whole = _whole(before)
    if whole is None or not _DECIMALS.fullmatch(after):
        return None
    return whole, after, mark, ""


def _whole(digits: str) -> str | None:
    """Return digits without what groups them by thousands; None if they are no whole number."""
    if _PLAIN.fullmatch(digits):
        return digits
    separators = set(re.sub(r"[0-9]", "", digits))
    if len(separators) != 1 or not (_GROUPS.fullmatch(digits) or _LAKHS.fullmatch(digits)):
        return None
    return re.sub(r"[^0-9]", "", digits)
