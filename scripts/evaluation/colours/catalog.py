"""The fashion catalog's colours: those that it states, and those measured in its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.images import open_image
from indexer.colours import MAX_COLOURS, measure_colours
from scripts.evaluation.tags.setting import calibration_rows, figure_rows
from scripts.training.data.catalogs import FASHION, read_images, read_rows

__all__ = ["SYNONYMS", "CatalogColours", "measured_colours", "read_catalog_colours", "word_of"]

Rows = NDArray[np.int64]

# The catalog's values that shoppers have another word for.
_WORDS = {"Multi": "multicoloured", "Turquoise Blue": "turquoise"}

# Other words for names of the table, as in the built-in taxonomy.
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


@dataclass(frozen=True)
class CatalogColours:
    """The colours that the catalog states of its products.

    Attributes:
        names: The colours that the training part states, most frequent first.
        labels: `[n]`, each product's place in `names`; -1 where it states none of them.
        train: Rows of the training part with a label.
        calibration: Rows of one half of the held-back tenth with a label.
        held: Rows of the other half with a label.
    """

    names: tuple[str, ...]
    labels: Rows
    train: Rows
    calibration: Rows
    held: Rows


def word_of(value: str) -> str:
    """Return the table's word for a value of the catalog's colour column."""
    return _WORDS.get(value, value.lower())


def read_catalog_colours(data: Path) -> CatalogColours:
    """Read what the catalog states."""
    rows = read_rows(data, FASHION)
    words = [word_of(value or "NA") for value in rows.columns["base_colour"]]
    stated, counts = np.unique([words[row] for row in rows.train], return_counts=True)
    names = [str(name) for name in stated[np.argsort(-counts, kind="stable")] if name != "na"]
    labels = np.array([names.index(word) if word in names else -1 for word in words])
    train, calibration, held = (
        some[labels[some] >= 0] for some in (rows.train, calibration_rows(rows), figure_rows(rows))
    )
    return CatalogColours(tuple(names), labels, train, calibration, held)


def measured_colours(data: Path, cache: Path, rows: Rows) -> NDArray[np.uint8]:
    """Return measured colours `[n, 5, 4]` of some rows; each image is measured once and kept."""
    path = cache / "colours" / f"{FASHION}.npz"
    count = len(read_rows(data, FASHION))
    colours, known = np.zeros((count, MAX_COLOURS, 4), np.uint8), np.zeros(count, np.bool_)
    if path.exists():
        with np.load(path) as kept:
            colours, known = kept["colours"], kept["known"]
    missing = set(rows[~known[rows]].tolist())
    if missing:
        for row, content in enumerate(read_images(data, FASHION)):
            if row in missing:
                colours[row] = measure_colours(np.asarray(open_image(content))).to_array()
        known[list(missing)] = True
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, colours=colours, known=known)
    return colours[rows]
