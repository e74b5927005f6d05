"""Measure the shipped model: `scripts/evaluate_compact.py [--json]`; needs the shared catalogs."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from compact_training.catalogs import GENERAL, SETS, read_rows  # noqa: E402
from compact_training.drawn import HELD_DRAWINGS, PAIRS, drawn_set  # noqa: E402
from compact_training.measures import Floats, Vectors, measure_all  # noqa: E402
from compact_training.pixels import PREPROCESS, PixelRows, cached_pixels  # noqa: E402

from embeddings.clip import ClipEncoder, load_encoder  # noqa: E402


@dataclass(frozen=True)
class Row:
    """A measure that is reported.

    Attributes:
        name: What it is called in the table.
        target: What it is to reach.
        floor: What it must not fall below (or above, where lower is better).
        better: `higher` or `lower`.
    """

    name: str
    target: float | None
    floor: float | None = None
    better: str = "higher"


_ROWS = (
    Row("fashion_title_recall_1", 0.30),
    Row("fashion_title_recall_10", 0.80, 0.50),
    Row("fashion_title_all_recall_1", 0.15),
    Row("fashion_title_all_recall_10", 0.42),
    Row("fashion_title_all_mrr", 0.24),
    Row("zero_shot_article_type", 0.80, 0.60),
    Row("zero_shot_base_colour", 0.60),
    Row("zero_shot_gender", 0.80),
    Row("article_type_query_precision_10", 0.80),
    Row("base_colour_query_precision_10", 0.70),
    Row("shop_words_precision_10", None),
    Row("grocery_photo_packshot_recall_1", 0.50, 0.15),
    Row("grocery_photo_packshot_recall_5", 0.80),
    Row("general_label_photo_recall_1", 0.50),
    Row("general_label_photo_recall_10", 0.78),
    Row("grocery_text_photo_precision", 0.80),
    Row("grocery_name_top_1", None),
    Row("clothing_category", 0.85, 0.75),
    Row("drawings_title_recall_10", None),
    Row("drawings_binding", 0.90),
    Row("encode_pictures_per_second", 350.0),
    Row("encode_text_ms", 10.0, None, "lower"),
    Row("folder_mb", 45.0, 45.0, "lower"),
)


def encode_all(encoder: ClipEncoder, pixels: PixelRows, batch: int = 64) -> Floats:
    """Unit vectors of a whole set."""
    blocks = [
        encoder.encode_images(np.array(pixels[start : start + batch]))
        for start in range(0, len(pixels), batch)
    ]
    return np.concatenate(blocks)


def quality(encoder: ClipEncoder, data: Path, cache: Path) -> dict[str, float]:
    """The figures that need the catalogs."""
    if encoder.preprocess != PREPROCESS:
        raise ValueError(f"the model takes {encoder.preprocess}, not {PREPROCESS}")
    drawings = {name: drawn_set(cache, name) for name in (HELD_DRAWINGS, PAIRS)}
    pictures = {name: encode_all(encoder, cached_pixels(data, cache, name)) for name in SETS}
    pictures |= {name: encode_all(encoder, drawn.pixels) for name, drawn in drawings.items()}
    rows = {name: read_rows(data, name) for name in SETS}
    vectors = Vectors(rows, pictures, drawings[HELD_DRAWINGS], drawings[PAIRS])
    return measure_all(vectors, encoder.encode_texts)


def speed(encoder: ClipEncoder) -> dict[str, float]:
    """Pictures a second in batches of 64, and milliseconds of one short query; best of several."""
    height, width = encoder.preprocess.size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (64, height, width, 3), dtype=np.uint8)
    pictures, texts = [], []
    for _ in range(6):
        started = time.perf_counter()
        encoder.encode_images(pixels)
        pictures.append(time.perf_counter() - started)
    for _ in range(20):
        started = time.perf_counter()
        encoder.encode_texts(["red summer dress"])
        texts.append(time.perf_counter() - started)
    return {
        "encode_pictures_per_second": 64 / min(pictures),
        "encode_text_ms": 1000 * min(texts),
    }


def _measure(row: Row, figures: dict[str, float], reason: str | None) -> dict[str, Any]:
    value = figures.get(row.name)
    measure: dict[str, Any] = {
        "name": row.name,
        "value": None if value is None else round(value, 4),
        "target": row.target,
        "better": row.better,
        "floor": row.floor,
        "ok": None,
    }
    if value is None:
        return measure | {"reason": reason}
    if row.target is not None:
        reached = value >= row.target if row.better == "higher" else value <= row.target
        measure["ok"] = bool(reached)
    return measure


def machine(encoder: ClipEncoder) -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "cpu_count": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "device": encoder.spec.device,
        "precision": encoder.spec.precision,
        "fingerprint": encoder.spec.fingerprint,
    }


def _print_table(measures: list[dict[str, Any]], about: dict[str, Any]) -> None:
    print(f"{'measure':38}{'value':>9}{'floor':>8}{'target':>8}")
    for measure in measures:
        shown = ["-" if measure[k] is None else f"{measure[k]:g}" for k in ("floor", "target")]
        value = "-" if measure["value"] is None else f"{measure['value']:.3f}"
        mark = {True: "  reached", False: "  missed", None: ""}[measure["ok"]]
        print(f"{measure['name']:38}{value:>9}{shown[0]:>8}{shown[1]:>8}{mark}")
    print(", ".join(f"{key} {value}" for key, value in about.items()))


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--model", type=Path, default=ROOT / "embeddings" / "data" / "compact")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "compact")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    encoder = load_encoder(f"local-dir:{options.model}")
    reason = None
    figures: dict[str, float] = {}
    if any(options.data.glob(f"{GENERAL}-*.parquet")):
        figures |= quality(encoder, options.data, options.cache)
    else:
        reason = f"the shared catalogs are not in {options.data}"
    figures |= speed(encoder)
    size = sum(path.stat().st_size for path in options.model.iterdir())
    figures["folder_mb"] = size / 1e6
    measures = [_measure(row, figures, reason) for row in _ROWS]
    about = machine(encoder)
    if options.json:
        print(json.dumps({"measures": measures, "machine": about}))
    else:
        _print_table(measures, about)


if __name__ == "__main__":
    main()
