"""Measure the shipped model: `scripts/evaluate_compact.py [--json]`; needs the shared catalogs."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from embeddings.clip import ClipEncoder, load_encoder
from scripts.evaluation.compact.measures import Floats, Vectors, measure_all
from scripts.evaluation.compact.prompts import compare_prompts
from scripts.support.measuring import Measure, machine, show
from scripts.training.data.catalogs import GENERAL, SETS, read_rows
from scripts.training.data.drawn import HELD_DRAWINGS, PAIRS, drawn_set
from scripts.training.data.pixels import PREPROCESS, PixelRows, cached_pixels

ROOT = Path(__file__).resolve().parents[3]

# Name, aim and floor; `encode_text_ms` and `folder_mb` are better lower.
_ROWS: tuple[tuple[str, float | None, float | None], ...] = (
    ("fashion_title_recall_1", 0.30, None),
    ("fashion_title_recall_10", 0.80, 0.50),
    ("fashion_title_all_recall_1", 0.15, None),
    ("fashion_title_all_recall_10", 0.42, None),
    ("fashion_title_all_mrr", 0.24, None),
    ("zero_shot_article_type", 0.80, 0.60),
    ("zero_shot_base_colour", 0.60, None),
    ("zero_shot_gender", 0.80, None),
    ("article_type_query_precision_10", 0.80, None),
    ("base_colour_query_precision_10", 0.70, None),
    ("shop_words_precision_10", None, None),
    ("grocery_photo_packshot_recall_1", 0.50, 0.15),
    ("grocery_photo_packshot_recall_5", 0.80, None),
    ("general_label_photo_recall_1", 0.50, None),
    ("general_label_photo_recall_10", 0.78, None),
    ("grocery_text_photo_precision", 0.80, None),
    ("grocery_name_top_1", None, None),
    ("clothing_category", 0.85, 0.75),
    ("drawings_title_recall_10", None, None),
    ("drawings_binding", 0.90, None),
    ("encode_pictures_per_second", 350.0, None),
    ("encode_text_ms", 10.0, None),
    ("folder_mb", 45.0, 45.0),
)
_LOWER = frozenset({"encode_text_ms", "folder_mb"})


def encode_all(encoder: ClipEncoder, pixels: PixelRows, batch: int = 64) -> Floats:
    """Unit vectors of a whole set."""
    blocks = [
        encoder.encode_images(np.array(pixels[start : start + batch]))
        for start in range(0, len(pixels), batch)
    ]
    return np.concatenate(blocks)


def vectors_of(encoder: ClipEncoder, data: Path, cache: Path) -> Vectors:
    """All pictures embedded."""
    if encoder.preprocess != PREPROCESS:
        raise ValueError(f"the model takes {encoder.preprocess}, not {PREPROCESS}")
    drawings = {name: drawn_set(cache, name) for name in (HELD_DRAWINGS, PAIRS)}
    pictures = {name: encode_all(encoder, cached_pixels(data, cache, name)) for name in SETS}
    pictures |= {name: encode_all(encoder, drawn.pixels) for name, drawn in drawings.items()}
    rows = {name: read_rows(data, name) for name in SETS}
    return Vectors(rows, pictures, drawings[HELD_DRAWINGS], drawings[PAIRS])


def show_prompts(vectors: Vectors, encoder: ClipEncoder) -> None:
    """A table of the sets of prompts, by kind of label."""
    print(f"{'label':12}{'prompts':20}{'even rows':>10}{'odd rows':>10}")
    for kind, prompts, even, odd in compare_prompts(
        vectors.rows, vectors.pictures, encoder.encode_texts
    ):
        print(f"{kind:12}{prompts:20}{even:>10.3f}{odd:>10.3f}")


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


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--model", type=Path, default=ROOT / "embeddings" / "data" / "compact")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "compact")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--prompts", action="store_true", help="compare prompts instead")
    options = parser.parse_args()
    encoder = load_encoder(f"local-dir:{options.model}")
    reason = None
    figures: dict[str, float] = {}
    if any(options.data.glob(f"{GENERAL}-*.parquet")):
        vectors = vectors_of(encoder, options.data, options.cache)
        if options.prompts:
            show_prompts(vectors, encoder)
            return
        figures |= measure_all(vectors, encoder.encode_texts)
    else:
        reason = f"the shared catalogs are not in {options.data}"
    figures |= speed(encoder)
    size = sum(path.stat().st_size for path in options.model.iterdir())
    figures["folder_mb"] = size / 1e6
    measures = [
        Measure(
            name,
            figures.get(name),
            target,
            "lower" if name in _LOWER else "higher",
            reason=None if name in figures else reason,
            floor=floor,
        )
        for name, target, floor in _ROWS
    ]
    spec = encoder.spec
    about = machine(device=spec.device, precision=spec.precision, fingerprint=spec.fingerprint)
    show(measures, about, as_json=options.json)


if __name__ == "__main__":
    main()
