"""The fashion catalog: the colours measured in its pictures, and those it states."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.images import open_image
from indexer.colours import MOST_COLOURS, measure_colours
from scripts.evaluation.tags.setting import calibration_rows, figure_rows
from scripts.training.data.catalogs import FASHION, read_pictures, read_rows

__all__ = ["SYNONYMS", "CatalogColours", "read_catalog_colours", "word_of"]

# The catalog's values whose words shoppers use differently; all others are as they are.
_WORDS = {"Multi": "multicoloured", "Turquoise Blue": "turquoise"}

SYNONYMS = {
    "grey": ["gray"],
    "navy blue": ["navy"],
    "purple": ["violet"],
    "silver": ["silver-toned"],
    "gold": ["golden"],
    "olive": ["olive green"],
    "multicoloured": ["multi", "colourful"],
    "steel": ["steel-coloured"],
    "charcoal": ["dark grey"],
    "skin": ["skin-coloured"],
    "off white": ["off-white", "ivory"],
    "lavender": ["lilac"],
    "grey melange": ["heather grey"],
    "magenta": ["hot pink"],
    "turquoise": ["turquoise blue"],
    "burgundy": ["wine red"],
    "coffee brown": ["dark brown"],
    "fluorescent green": ["neon green"],
}
"""Other words for names of the table, those of the built-in taxonomy."""


@dataclass(frozen=True)
class CatalogColours:
    """Every product of the catalog.

    Attributes:
        names: The colours that the training part states, most frequent first.
        labels: `[n]`, each product's place in `names`; -1 where it states none of them.
        colours: `[n, 5, 4]` measured colours.
        train: Rows that may be fitted to, all with a label and measured.
        calibration: Rows of one half of the held-back tenth with a label.
        held: Rows of the other half.
        types: `[n]`, what each product is.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    colours: NDArray[np.uint8]
    train: NDArray[np.int64]
    calibration: NDArray[np.int64]
    held: NDArray[np.int64]
    types: tuple[str, ...]


def word_of(value: str) -> str:
    """The table's word for a value of the catalog's colour column."""
    return _WORDS.get(value, value.lower())


def read_catalog_colours(data: Path, cache: Path) -> CatalogColours:
    """Read the catalog; pictures are measured once, and kept in the cache."""
    rows = read_rows(data, FASHION)
    words = [word_of(value or "NA") for value in rows.columns["base_colour"]]
    stated, counts = np.unique([words[row] for row in rows.train], return_counts=True)
    names = [str(name) for name in stated[np.argsort(-counts, kind="stable")] if name != "na"]
    labels = np.array([names.index(word) if word in names else -1 for word in words])
    colours = _measured(data, cache)
    usable = (labels >= 0) & colours[..., 3].any(axis=1)
    return CatalogColours(
        names=tuple(names),
        labels=labels,
        colours=colours,
        train=rows.train[usable[rows.train]],
        calibration=_labelled(calibration_rows(rows), labels),
        held=_labelled(figure_rows(rows), labels),
        types=tuple(rows.columns["article_type"]),
    )


def _labelled(rows: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[labels[rows] >= 0]


def _measured(data: Path, cache: Path) -> NDArray[np.uint8]:
    path = cache / "colours" / f"{FASHION}.npy"
    if path.exists():
        kept: NDArray[np.uint8] = np.load(path)
        return kept
    found = [
        measure_colours(np.asarray(open_image(content))).to_array()
        for content in read_pictures(data, FASHION)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.array(found).reshape(-1, MOST_COLOURS, 4))
    return np.load(path)
