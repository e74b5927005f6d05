"""The golden index of the present format: written once when the format changes.

`python -m tests.support.golden tests/data/indices/vN` writes it. It is committed, and every later
version must open it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.index import TagChoice
from indexer.storage import Layout
from indexer.tagging.taxonomy import Group, Label, Taxonomy

__all__ = ["ROWS", "TAXONOMY", "write_golden"]

# Every type of field, missing values, characters beyond ASCII, and a product with two pictures.
ROWS = (
    {"id": "red", "image": ["red.png"], "title": "Röd", "price": 1.5, "year": 2011, "new": True},
    {"id": "green", "image": ["green.png"], "title": "Green", "year": 2012, "new": False},
    {"id": "blue/1", "image": ["blue.png"], "title": "蓝色", "price": 3.5, "year": 2013},
    {"id": "both", "image": ["yellow.png", "white.png"], "title": "Both", "price": 4.0},
)
TAXONOMY = Taxonomy(
    "golden", 1, (Group("hue", True, tuple(Label(n) for n in ("red", "green", "blue"))),)
)
_COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
}


def write_golden(folder: Path) -> None:
    """Build the index of `ROWS`, tagged by `TAXONOMY`, into a folder."""
    with tempfile.TemporaryDirectory() as temporary:
        catalog = Path(temporary) / "golden.jsonl"
        for name, colour in _COLOURS.items():
            Image.new("RGB", (16, 16), colour).save(catalog.parent / f"{name}.png")
        catalog.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
        options = BuildOptions(workers=0, tags=TagChoice(TAXONOMY))
        build_index(catalog, folder, FakeEncoder(), options)
    Layout(folder).lock.unlink()  # names the process and the machine that built it


if __name__ == "__main__":
    write_golden(Path(sys.argv[1]))
