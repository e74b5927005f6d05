"""The index that the tests of grouping and paging share, read-only."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from indexer.search import Engine
from tests.support.search_catalogs import build

SHADES = 40
"""Number of products. Neighbours are 2.3 degrees apart: those up to three steps apart are nearly
the same."""


@pytest.fixture(scope="session")
def shades(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Forty products from red to green by equal angles, two of a style, in random order."""
    folder = tmp_path_factory.mktemp("shades")
    rows = []
    for number in np.random.default_rng(5).permutation(SHADES).tolist():
        angle = number * (np.pi / 2) / (SHADES - 1)
        colour = (round(255 * np.cos(angle)), round(255 * np.sin(angle)), 0)
        Image.new("RGB", (8, 8), colour).save(folder / f"{number}.png")
        row = {"id": f"{number:02}", "image": f"{number}.png", "title": f"shade {number % 3}"}
        rows.append(json.dumps(row | ({"style": number // 2} if number < 30 else {})))
    (folder / "c.jsonl").write_text("\n".join(rows), "utf-8")
    return build(folder / "c.jsonl", folder / "index")
