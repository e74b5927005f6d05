"""Small catalogs with titles, indexed by the fake encoder, and searches in them by text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.search import Engine, Query, QueryPart, SearchMode, TextPart

__all__ = ["build", "search", "write_catalog"]

_IMAGES = 40


def write_catalog(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Write a JSONL catalog whose products have images of colours drawn at random."""
    folder.mkdir(exist_ok=True)
    for number in range(_IMAGES):
        colour = tuple(np.random.default_rng(number).integers(0, 255, 3).tolist())
        Image.new("RGB", (4, 4), colour).save(folder / f"{number}.png")
    path = folder / "catalog.jsonl"
    lines = [json.dumps({"image": f"{n % _IMAGES}.png", **row}) for n, row in enumerate(rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def build(catalog: Path, index: Path, **options: Any) -> Engine:
    """Build an index, searched by what images show alone, and open it."""
    options = {"workers": 0, "text_weight": 0.0, **options}
    build_index(catalog, index, FakeEncoder(), BuildOptions(**options))
    return Engine.open(index, FakeEncoder())


def search(engine: Engine, *parts: QueryPart | str, **query: Any) -> list[str]:
    """Return the ids that a search finds; by keywords and ten of them, unless said otherwise."""
    given = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    query = {"mode": SearchMode.KEYWORD, "k": 10, **query}
    return [hit.id for hit in engine.search(Query(parts=given, **query)).hits]
