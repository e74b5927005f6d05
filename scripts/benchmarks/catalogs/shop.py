"""A shop with known truth: its pictures, and ways to write its prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["AMOUNTS", "PICTURES", "PRICES", "Expected", "PriceStyle", "Truth", "Value",
           "write_pictures"]  # fmt: skip

Value = str | int | float | bool | None | list[str] | list[float]

AMOUNTS = (1299.0, 49.9, 0.99, 12.5, 1234567.89, 7.0, 999.95, 20.0, 1500.0, 3.25, 89.0, 250.1)
"""What the twelve products cost."""

PICTURES = (
    "p01.png", "p 02.png", "größe-03.png", "P04.PNG", "p#05.png", "p+06.png", "p,07.png",
    "p&08.jpg", "p(09).jpg", "p10.webp", "p%20a.png", "p12.jpeg",
)  # fmt: skip
"""Names of the twelve pictures."""


def write_pictures(folder: Path) -> None:
    """Write the pictures; each holds its own name, so that a test knows which one was found."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        (folder / name).write_text(name, "utf-8")


@dataclass(frozen=True)
class PriceStyle:
    """A way to write a price.

    Attributes:
        name: For the name of a cell.
        write: From an amount to its text.
        currency: What the field beside the number holds; None for none.
        step: Amounts are multiples of this.
    """

    name: str
    write: Callable[[float], str]
    currency: str | None = None
    step: float = 0.01

    def amount(self, amount: float) -> float:
        """Return an amount that this style can write."""
        return amount if self.step < 1 else max(1.0, float(round(amount)))


def _number(amount: float, point: str, thousands: str, decimals: int = 2) -> str:
    plain = f"{amount:,.{decimals}f}"
    return plain.translate({ord(","): thousands, ord("."): point})


def _lakh(amount: float) -> str:
    whole, _, decimals = f"{amount:.2f}".partition(".")
    last, rest = whole[-3:], whole[:-3]
    groups = [rest[max(0, end - 2) : end] for end in range(len(rest), 0, -2)][::-1]
    return ",".join([*groups, last]) + f".{decimals}"


PRICES = (
    PriceStyle("1299.00", lambda a: f"{a:.2f}"),
    PriceStyle("1299,00", lambda a: _number(a, ",", "")),
    PriceStyle("1,299.00", lambda a: _number(a, ".", ",")),
    PriceStyle("1.299,00", lambda a: _number(a, ",", ".")),
    PriceStyle("$1,299.00", lambda a: f"${_number(a, '.', ',')}", "$"),
    PriceStyle("$1,299.00 USD", lambda a: f"${_number(a, '.', ',')} USD", "USD"),
    PriceStyle("US $1,299.00", lambda a: f"US ${_number(a, '.', ',')}", "USD"),
    PriceStyle("1299.00 USD", lambda a: f"{a:.2f} USD", "USD"),
    PriceStyle("1.299,00 €", lambda a: f"{_number(a, ',', '.')} €", "EUR"),
    PriceStyle("€ 1.299,00", lambda a: f"€ {_number(a, ',', '.')}", "EUR"),
    PriceStyle("EUR 1299,00", lambda a: f"EUR {_number(a, ',', '')}", "EUR"),
    PriceStyle("1 299,00 € (no-break)", lambda a: f"{_number(a, ',', chr(0xA0))}\xa0€", "EUR"),
    PriceStyle("1 299 kr", lambda a: f"{_number(a, ',', ' ', 0)} kr", "kr", 1),
    PriceStyle("1299,- €", lambda a: f"{a:.0f},- €", "EUR", 1),
    PriceStyle("£1,299.00", lambda a: f"£{_number(a, '.', ',')}", "GBP"),
    PriceStyle("CHF 1'299.00", lambda a: f"CHF {_number(a, '.', chr(39))}", "CHF"),
    PriceStyle("R$ 1.299,00", lambda a: f"R$ {_number(a, ',', '.')}", "BRL"),
    PriceStyle("Rs. 12,34,567.89", lambda a: f"Rs. {_lakh(a)}", "rs."),
    PriceStyle("-1299.00 as text", lambda a: f"-{a:.2f}"),
)
"""Ways to write prices."""


@dataclass(frozen=True)
class Expected:
    """One product as it must be read.

    Attributes:
        id: Its id.
        images: Names of its pictures, or URLs, in order.
        fields: Values that it must have; other fields don't matter.
    """

    id: str
    images: tuple[str, ...]
    fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Truth:
    """What must come of a file.

    Attributes:
        products: The products, in order.
        refused: The reasons of rows that can't be used, in order.
        sentence: What the message must say if the file can't be used; empty if it can.
    """

    products: tuple[Expected, ...] = ()
    refused: tuple[str, ...] = ()
    sentence: str = ""
