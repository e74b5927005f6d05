"""Drawn products for training and measuring; the demo's own seed, 0, is used for neither."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from scripts.training.data.pixels import PREPROCESS, SIZE, PixelRows, save_pixels
from search_api.demo import (
    COLOURS,
    KINDS,
    PATTERNS,
    contrasting,
    draw_catalog,
    draw_product,
    pattern_named,
)

__all__ = ["DRAWN_SETS", "HELD_DRAWINGS", "PAIRS", "TRAIN_DRAWINGS", "DrawnSet", "drawn_set"]

TRAIN_DRAWINGS = "drawings-train"
HELD_DRAWINGS = "drawings-held"
PAIRS = "drawings-pairs"
DRAWN_SETS = (TRAIN_DRAWINGS, HELD_DRAWINGS, PAIRS)

# Images and seed of each slice; slices are drawn by separate processes.
_CATALOGS = {
    TRAIN_DRAWINGS: [(1080, seed) for seed in range(1, 9)],
    HELD_DRAWINGS: [(720, 1001)],
}
_PAIR_COUNT = 300
_PAIR_SEED = 2001

Facts = dict[str, str]


@dataclass(frozen=True)
class DrawnSet:
    """Drawings with their words.

    Attributes:
        pixels: `[n, size, size, 3]`, as the model takes them.
        titles: One a drawing.
        facts: `kind`, `colour`, `pattern`, and with two colours `second_colour`, `motifs`.
    """

    pixels: PixelRows
    titles: list[str]
    facts: list[Facts]


def drawn_set(cache: Path, name: str) -> DrawnSet:
    """Return one of `DRAWN_SETS`, drawn on the first call and kept in the cache."""
    path = cache / "pixels" / f"{name}-{SIZE}.npy"
    words = cache / "pixels" / f"{name}.json"
    if not path.exists() or not words.exists():
        slices = _CATALOGS.get(name, [(_PAIR_COUNT, _PAIR_SEED)])
        drawer = _draw_pairs if name == PAIRS else _draw_slice
        with get_context("spawn").Pool(2) as pool:
            parts = pool.map(drawer, slices)
        pixels = np.concatenate([part[0] for part in parts])
        save_pixels(path, len(pixels), SIZE, [pixels])
        words.write_text(json.dumps([row for part in parts for row in part[1]]), encoding="utf-8")
    rows = json.loads(words.read_text(encoding="utf-8"))
    titles = [row["title"] for row in rows]
    facts = [{key: value for key, value in row.items() if key != "title"} for row in rows]
    return DrawnSet(np.load(path, mmap_mode="r"), titles, facts)


def _draw_slice(slice_: tuple[int, int]) -> tuple[PixelRows, list[Facts]]:
    count, seed = slice_
    pixels: list[PixelRows] = []
    rows: list[Facts] = []
    for product in draw_catalog(count, seed):
        pixels.append(PREPROCESS(product.image))
        facts = {
            "title": product.title,
            "kind": product.id.rpartition("-")[0].replace("-", " "),
            "colour": str(product.fields["colour"]),
            "pattern": str(product.fields["pattern"]),
        }
        facts["kind"] = next(
            kind for kind in KINDS if kind.replace(" ", "-") == product.id.rpartition("-")[0]
        )
        if "second_colour" in product.fields:
            facts["second_colour"] = str(product.fields["second_colour"])
            facts["motifs"] = pattern_named(facts["pattern"]).motifs
        rows.append(facts)
    return np.stack(pixels), rows


def _draw_pairs(slice_: tuple[int, int]) -> tuple[PixelRows, list[Facts]]:
    count, seed = slice_
    pixels: list[PixelRows] = []
    rows: list[Facts] = []
    for facts in _pairs(count, random.Random(seed)):
        rng = random.Random(f"{seed}/{len(rows)}")
        image = draw_product(
            facts["kind"], facts["colour"], facts["pattern"], facts["second_colour"], rng
        )
        pixels.append(PREPROCESS(image))
        rows.append(facts)
    return np.stack(pixels), rows


def _pairs(count: int, rng: random.Random) -> Iterator[Facts]:
    """Two-coloured things, each followed by its like with the colours swapped."""
    patterns = [name for name in PATTERNS if pattern_named(name).motifs]
    for _ in range(count):
        kind, pattern = rng.choice(KINDS), rng.choice(patterns)
        colour = rng.choice(COLOURS)
        second = rng.choice(contrasting(colour))
        motifs = pattern_named(pattern).motifs
        for first, other in ((colour, second), (second, colour)):
            yield {
                "title": f"{first} {kind} with {other} {motifs}",
                "kind": kind,
                "colour": first,
                "pattern": pattern,
                "second_colour": other,
                "motifs": motifs,
            }
