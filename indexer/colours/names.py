"""Names of colours: a table of words with their places in CIELAB, and what a colour is called."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.colours.dominant import MeasuredColours
from indexer.colours.lab import LabArray, ciede2000, lab_of
from indexer.errors import QueryError

__all__ = [
    "MULTICOLOURED",
    "NEAR",
    "TABLE_FILE",
    "ColourTable",
    "NamedShare",
    "colour_of",
    "colour_table",
    "name_colours",
]

TABLE_FILE = Path(__file__).parent / "data" / "names.json"

MULTICOLOURED = "multicoloured"
"""The one word of the table that is no colour; it has no centre."""

NEAR = 10.0
"""Two names are near when their centres lie within so much of each other by CIEDE2000: twice what
is commonly taken as "another colour at a glance"."""

_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})")


@dataclass(frozen=True)
class NamedShare:
    """A name, and what part of a product has a colour of that name, 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True)
class ColourTable:
    """Words for colours, as `scripts/train colours` found shops to use them.

    Attributes:
        names: The words, most used first.
        centres: `[names, 3]` float32 CIELAB: where the word's colours lie; NaN for a word that is
            no colour.
        priors: `[names]` float32, how often products are called so; they sum to 1.
        spread: How far a word's colours lie from its centre, in CIEDE2000.
        synonyms: Other words, to names.
    """

    names: tuple[str, ...]
    centres: LabArray
    priors: NDArray[np.float32]
    spread: float
    synonyms: Mapping[str, str]

    def place(self, name: str) -> int | None:
        """The place of a name or a synonym in any spelling of case; None where there is none."""
        word = " ".join(name.casefold().split())
        word = self.synonyms.get(word, word)
        return self.names.index(word) if word in self.names else None

    def named(self, lab: LabArray) -> NDArray[np.int64]:
        """The places `[...]` of the most probable names of colours `[..., 3]`.

        A word's colours are taken to lie around its centre as a normal distribution of
        differences; a rare word must fit better than a common one.
        """
        usable = np.flatnonzero(np.isfinite(self.centres[:, 0]))
        apart = ciede2000(lab[..., np.newaxis, :], self.centres[usable])
        fit = np.log(self.priors[usable]) - (apart / self.spread) ** 2 / 2
        return np.asarray(usable[fit.argmax(axis=-1)])

    def near(self, name: str) -> frozenset[str]:
        """The names that are `NEAR` one, itself among them."""
        place = self.names.index(name)
        apart = ciede2000(self.centres[place], self.centres)
        return frozenset({name, *(self.names[at] for at in np.flatnonzero(apart <= NEAR))})


@cache
def colour_table() -> ColourTable:
    """The table that ships."""
    rows: dict[str, Any] = json.loads(TABLE_FILE.read_text("utf-8"))
    colours = rows["colours"]
    none = [np.nan] * 3
    return ColourTable(
        names=tuple(colour["name"] for colour in colours),
        centres=np.array([colour["lab"] or none for colour in colours], np.float32),
        priors=np.array([colour["prior"] for colour in colours], np.float32),
        spread=float(rows["spread"]),
        synonyms={word: colour["name"] for colour in colours for word in colour["synonyms"]},
    )


def name_colours(measured: MeasuredColours) -> tuple[NamedShare, ...]:
    """What a product's colours are called, the greatest share first; shares of one name add up."""
    table = colour_table()
    shares: dict[str, float] = {}
    for place, share in zip(table.named(measured.lab).tolist(), measured.shares, strict=True):
        name = table.names[place]
        shares[name] = shares.get(name, 0.0) + float(share)
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return tuple(NamedShare(name, share) for name, share in ordered)


def colour_of(text: str) -> LabArray:
    """The colour `[3]` that `#7b1e3a`, `#abc` or a name of the table stands for.

    Raises:
        QueryError: It is neither.
    """
    found = _HEX.fullmatch(text.strip().casefold())
    if found is not None:
        digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
        rgb = np.frombuffer(bytes.fromhex(digits), np.uint8)
        return np.asarray(lab_of(rgb.reshape(1, 1, 3))[0, 0])
    table = colour_table()
    place = table.place(text)
    if place is None or not np.isfinite(table.centres[place, 0]):
        known = ", ".join(name for name in table.names if name != MULTICOLOURED)
        raise QueryError(
            f"There is no colour {text[:40]!r}: give one as #rrggbb, or one of these: {known}."
        )
    return np.asarray(table.centres[place])
