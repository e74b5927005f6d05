"""Names of colours: a table of words with their centres in CIELAB, and the name of a colour."""

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

from indexer.colours.lab import LabArray, ciede2000, lab_of
from indexer.errors import QueryError

__all__ = [
    "MULTICOLOURED",
    "NEAR_DISTANCE",
    "TABLE_FILE",
    "ColourTable",
    "colour_of",
    "colour_table",
]

TABLE_FILE = Path(__file__).parent / "data" / "names.json"

MULTICOLOURED = "multicoloured"
"""The only word of the table that is not a colour; it has no centre."""

NEAR_DISTANCE = 10.0
"""Largest CIEDE2000 difference of two similar colours: twice the usual limit of "a different colour
at a glance"."""

# Characters of an unknown colour that an error quotes.
_QUOTED = 40
_HEX_DIGITS = 6
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})")


@dataclass(frozen=True)
class ColourTable:
    """Words for colours, fitted to the labels of catalogs by `scripts/train colours`.

    Attributes:
        names: The words, most frequent first.
        centres: `[names, 3]` float32 CIELAB, the centre of each word's colours; NaN for a word that
            is not a colour.
        priors: `[names]` float32, frequency of each word among products; the sum is 1.
        spread: Standard deviation of a word's colours around its centre, in CIEDE2000.
        synonyms: The name that each other word stands for.
    """

    names: tuple[str, ...]
    centres: LabArray
    priors: NDArray[np.float32]
    spread: float
    synonyms: Mapping[str, str]

    def place(self, name: str) -> int | None:
        """Return the place of a name or a synonym, ignoring case; None if it is unknown."""
        word = " ".join(name.casefold().split())
        word = self.synonyms.get(word, word)
        return self.names.index(word) if word in self.names else None

    def likeliest_names(self, lab: LabArray) -> NDArray[np.int64]:
        """Return the places `[...]` of the most probable names of colours `[..., 3]`.

        The model is a normal distribution of differences around each word's centre, with the
        words' frequencies as priors.
        """
        usable = np.flatnonzero(np.isfinite(self.centres[:, 0]))
        differences = ciede2000(lab[..., np.newaxis, :], self.centres[usable])
        log_posterior = np.log(self.priors[usable]) - (differences / self.spread) ** 2 / 2
        return np.asarray(usable[log_posterior.argmax(axis=-1)])

    def near(self, name: str) -> frozenset[str]:
        """Return the names within `NEAR_DISTANCE` of a name, including itself."""
        place = self.names.index(name)
        differences = ciede2000(self.centres[place], self.centres)
        near = np.flatnonzero(differences <= NEAR_DISTANCE)
        return frozenset({name, *(self.names[at] for at in near)})


@cache
def colour_table() -> ColourTable:
    """Load the table that ships."""
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


def colour_of(text: str) -> LabArray:
    """Parse a colour: `#7b1e3a`, `#abc` or a name of the table.

    Returns:
        `[3]` CIELAB.

    Raises:
        QueryError: The text is none of these.
    """
    found = _HEX.fullmatch(text.strip().casefold())
    if found is not None:
        digits = (
            found[1] if len(found[1]) == _HEX_DIGITS else "".join(2 * digit for digit in found[1])
        )
        rgb = np.frombuffer(bytes.fromhex(digits), np.uint8)
        return np.asarray(lab_of(rgb.reshape(1, 1, 3))[0, 0])
    table = colour_table()
    place = table.place(text)
    if place is None or not np.isfinite(table.centres[place, 0]):
        known = ", ".join(name for name in table.names if name != MULTICOLOURED)
        raise QueryError(
            f"There is no colour {text[:_QUOTED]!r}: give #rrggbb or one of these names: {known}."
        )
    return np.asarray(table.centres[place])
