"""Quality, speed and size of the shipped model `compact`, on the held-back tenth.

Without the shared catalogs only speed and size are measured. With --prompts, sets of zero-shot
prompts are compared instead. A short run leaves out what needs all 35,598 fashion images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, load_encoder
from scripts.docs.figures import Block, Grid, Listing
from scripts.evaluation.compact.measures import Vectors, measure_all
from scripts.evaluation.compact.prompts import KINDS, PROMPTS, compare_prompts
from scripts.support.catalog_vectors import CatalogVectors
from scripts.support.encoding import BATCH
from scripts.support.front import ROOT
from scripts.support.measuring import Figure, Measure, NotMeasured, Report
from scripts.training.data.catalogs import FASHION, GENERAL, GROCERY_PRODUCTS, SETS, read_rows
from scripts.training.data.drawn import HELD_DRAWINGS, PAIRS, drawn_set
from scripts.training.data.pixels import PREPROCESS, PixelRows

__all__ = ["add_options", "blocks", "measure"]

_MODEL = ROOT / "embeddings" / "data" / "compact"
_IMAGE_RUNS, _TEXT_RUNS = 6, 20
# Figures of the card: name, target, what the card calls each.
_ROWS: tuple[tuple[str, float | None, str], ...] = (
    ("fashion_title_recall_1", 0.30, "title -> its image among 3,560, recall@1"),
    ("fashion_title_recall_10", 0.80, "the same, recall@10"),
    ("fashion_title_all_recall_1", 0.15, "the same titles among all 35,598, recall@1"),
    ("fashion_title_all_recall_10", 0.42, "the same, recall@10"),
    ("fashion_title_all_mrr", 0.24, "the same, MRR"),
    ("zero_shot_article_type", 0.80, "zero-shot article type (141 names), top-1"),
    ("zero_shot_base_colour", 0.60, "zero-shot base colour, top-1"),
    ("zero_shot_gender", 0.80, "zero-shot gender, top-1"),
    ("article_type_query_precision_10", 0.80, "type query, precision@10"),
    ("base_colour_query_precision_10", 0.70, "colour query, precision@10"),
    ("shop_words_precision_10", None, "words that shoppers use, precision@10"),
    ("grocery_photo_packshot_recall_1", 0.50, "grocery photo -> packshot among 81, recall@1"),
    ("grocery_photo_packshot_recall_5", 0.80, "the same, recall@5"),
    ("general_label_photo_recall_1", 0.50, "general label -> photo among 488, recall@1"),
    ("general_label_photo_recall_10", 0.78, "the same, recall@10"),
    ("grocery_text_photo_precision", 0.80, "grocery name or description -> photo, precision"),
    ("grocery_name_top_1", None, "grocery photo, zero-shot name, top-1"),
    ("clothing_category", 0.85, "clothing photo, 10 categories zero-shot, top-1"),
    ("drawings_title_recall_10", None, "drawings: title -> its image, recall@10"),
    ("drawings_binding", 0.90, "drawings: two-colour pairs told apart"),
    ("encode_pictures_per_second", 350.0, "images a second, batches of 64"),
    ("encode_text_ms", 10.0, "one text query, ms"),
    ("folder_mb", 45.0, "folder, MB"),
)
_LOWER = frozenset({"encode_text_ms", "folder_mb"})
_MEGABYTE = 1e6


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this evaluation's options."""
    parser.add_argument("--model", type=Path, default=_MODEL, help="a model folder")
    parser.add_argument("--prompts", action="store_true", help="compare prompts instead")


def blocks(options: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/compact-model.md."""
    page = "docs/compact-model.md"
    if options.prompts:
        prompts = {name: name for sets in PROMPTS.values() for name in sets}
        halves = tuple(
            Grid(f"{{row}}, {{column}}, {half} rows", KINDS, prompts, f"top-1, {half} rows")
            for half in ("even", "odd")
        )
        return [Block(page, "scripts/bench compact --prompts --docs", halves)]
    rows = {name: label for name, _, label in _ROWS}
    return [Block(page, "scripts/bench compact --docs", (Listing(rows),))]


def measure(options: argparse.Namespace) -> Report:
    """Measure the model."""
    encoder = load_encoder(f"local-dir:{options.model}")
    spec = encoder.spec
    about = {
        "device": spec.device,
        "precision": spec.precision,
        "fingerprint": spec.fingerprint,
    }
    if any(options.data.glob(f"{GENERAL}-*.parquet")):
        vectors = _vectors(encoder, options)
        if options.prompts:
            compared = compare_prompts(vectors.rows, vectors.held, encoder.encode_texts)
            return Report.of(compared, **about)
        values = measure_all(vectors, encoder.encode_texts)
        reason = "a short run does not embed all fashion images"
    else:
        values, reason = {}, f"the shared catalogs are not in {options.data}"
    values |= {name: [value] for name, value in _speed(encoder).items()}
    size = sum(path.stat().st_size for path in options.model.iterdir())
    values["folder_mb"] = [size / _MEGABYTE]
    figures: list[Figure] = [
        _measure(name, values[name], target) if name in values else NotMeasured(name, reason)
        for name, target, _ in _ROWS
    ]
    return Report.of(figures, **about)


def _measure(name: str, values: Sequence[float] | NDArray[Any], target: float | None) -> Measure:
    """Return a mean over queries or images with its interval, or a single value."""
    if len(values) > 1:
        return Measure.mean(name, [float(value) for value in values], target)
    return Measure(name, float(values[0]), target, "lower" if name in _LOWER else "higher")


def _vectors(encoder: Encoder, options: argparse.Namespace) -> Vectors:
    """Embed what is held back, and all fashion images unless the run is a short one."""
    if encoder.preprocess != PREPROCESS:
        raise ValueError(f"the model takes {encoder.preprocess}, not {PREPROCESS}")
    stored = {name: CatalogVectors(encoder, options.data, options.cache, name) for name in SETS}
    rows = {name: read_rows(options.data, name) for name in SETS}
    cache = options.cache / "compact"
    drawings = {name: drawn_set(cache, name) for name in (HELD_DRAWINGS, PAIRS)}
    return Vectors(
        rows,
        held={name: stored[name].of(rows[name].held) for name in SETS},
        fashion=None if options.quick else stored[FASHION].everything(),
        packshots=stored[GROCERY_PRODUCTS].everything(),
        drawings=drawings[HELD_DRAWINGS],
        drawn=_encoded(encoder, drawings[HELD_DRAWINGS].pixels),
        pairs=drawings[PAIRS],
        drawn_pairs=_encoded(encoder, drawings[PAIRS].pixels),
    )


def _encoded(encoder: Encoder, pixels: PixelRows) -> FloatArray:
    starts = range(0, len(pixels), BATCH)
    batches = (np.array(pixels[start : start + BATCH]) for start in starts)
    return np.concatenate([encoder.encode_images(batch) for batch in batches])


def _speed(encoder: Encoder) -> dict[str, float]:
    """Measure images a second in batches, and milliseconds of a short query; best of several."""
    height, width = encoder.preprocess.size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (BATCH, height, width, 3), dtype=np.uint8)
    return {
        "encode_pictures_per_second": (
            BATCH / _best(lambda: encoder.encode_images(pixels), _IMAGE_RUNS)
        ),
        "encode_text_ms": (
            1000 * _best(lambda: encoder.encode_texts(["red summer dress"]), _TEXT_RUNS)
        ),
    }


def _best(work: Callable[[], object], runs: int) -> float:
    """Return the seconds of the quickest of several runs."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
