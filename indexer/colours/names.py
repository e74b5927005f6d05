"""Names of colours: a table of words with their centres in CIELAB, and the name of a colour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.colours.lab import LabArray, ciede2000

__all__ = [
    "LOOK_SPREAD",
    "MULTICOLOURED",
    "NEAR_DISTANCE",
    "TABLE_FILE",
    "ColourTable",
    "colour_table",
]

TABLE_FILE = Path(__file__).parent / "data" / "names.json"

MULTICOLOURED = "multicoloured"
"""The only word of the table that is not a colour; it has no centre."""

NEAR_DISTANCE = 10.0
"""Largest CIEDE2000 difference of two similar colours: twice the usual limit of "a different colour
at a glance"."""


LOOK_SPREAD = 8.0
"""Standard deviation of the colours of a name around its centre as a person sees them, who looks at
the colour: a yellow dress is not white because half of the catalog is. In CIEDE2000; by eye, on
drawn products."""


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

    def likeliest_names(self, lab: LabArray, spread: float | None = None) -> NDArray[np.int64]:
        """Return the places `[...]` of the most probable names of colours `[..., 3]`.

        The model is a normal distribution of differences around each word's centre, with the
        words' frequencies as priors.

        Args:
            lab: The colours.
            spread: Standard deviation of the differences, in CIEDE2000. By default that of what
                shops call products; `LOOK_SPREAD` names what a person sees.
        """
        usable = np.flatnonzero(np.isfinite(self.centres[:, 0]))
        differences = ciede2000(lab[..., np.newaxis, :], self.centres[usable])
        log_posterior = (
            np.log(self.priors[usable]) - (differences / (spread or self.spread)) ** 2 / 2
        )
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
