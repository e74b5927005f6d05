"""Colours of products: searched for, and named by what was measured, by the model, and by both.

Searches are measured on the fashion catalog's held-back tenth, names on that half of it to which
nothing was fitted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.colours import classifier, colour_table, measure_colours, unpack
from scripts.docs.figures import Block, Grid, Listing
from scripts.evaluation.colours.by_name import expected_error, measure_by_name
from scripts.evaluation.colours.catalog import measured_colours, read_catalog_colours
from scripts.evaluation.colours.model import model_probabilities
from scripts.evaluation.colours.with_words import measure_with_words
from scripts.evaluation.search.setting import Setting
from scripts.support.measuring import Measure, Report

__all__ = ["add_options", "blocks", "measure"]

_TOP_TARGET, _NEAR_TARGET = 0.65, 0.80
_QUICK_PRODUCTS = 200
_MILLISECONDS = "measuring a picture of 160 x 160, ms"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this evaluation's options."""
    parser.add_argument("--model", default="compact", help="the model that is measured")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/colours.md."""
    rows = {
        "name of the greatest measured colour": "the name of the greatest measured colour",
        "measured colours": "measured colours",
        "model": "the model",
        "both": "both (targets 0.65 and 0.80)",
    }
    columns = {
        "base colour, top-1": "top-1",
        "base colour, near names": "with near names",
        "calibration error": "calibration error",
    }
    grid = Grid("{column}: {row}", rows, columns, "base colour by")
    by_name = Listing(
        {
            "colour by name, precision at 10 over all names": "colour alone, precision at 10",
            "colour by name, names alone": "the same, names",
            "colour by name, #rrggbb alone": "the same, #rrggbb",
            "colour by name, calibration error": "the same, calibration error",
        }
    )
    with_words = Grid(
        "{row}: {column}",
        {
            "type and colour, vector": "a type, and a colour beside it; `vector`",
            "type and colour, hybrid": "the same, `hybrid`",
            "type without colour, vector": "a type, without a colour; `vector`",
            "type without colour, hybrid": "the same, `hybrid`",
            "colour words in text, vector": "a type and a colour in words; `vector`",
            "colour words in text, hybrid": "the same, `hybrid`",
        },
        {
            "type and colour": "type and colour",
            "colour": "colour",
            "unwanted": "unwanted colour",
            "calibration error": "calibration error",
        },
        "precision at 10, held-back products",
    )
    time_taken = Listing({_MILLISECONDS: "measuring an image of 160 x 160 pixels, ms"})
    return [
        Block(
            "docs/colours.md",
            "scripts/bench colours --docs",
            (by_name, with_words, grid, time_taken),
        )
    ]


def measure(options: argparse.Namespace) -> Report:
    """Compare stated colours with measured ones, the model's, and both together."""
    catalog = read_catalog_colours(options.data)
    if catalog.names != colour_table().names:
        raise SystemExit("The colour names are not of this catalog. Run `scripts/train colours`.")
    rows = catalog.held[: _QUICK_PRODUCTS if options.quick else None]
    truth = catalog.labels[rows]
    fitted = classifier()
    colours = measured_colours(options.data, options.cache, rows)
    measured = fitted.probabilities(colours)
    model = model_probabilities(options.model, options.data, options.cache, rows)
    lab, _ = unpack(colours)
    greatest = np.eye(len(catalog.names), dtype=np.float32)[
        colour_table().likeliest_names(lab[:, 0])
    ]
    both = fitted.combine(measured, model)
    setting = Setting(options.data, options.cache / "search", quick=options.quick)
    return Report.of(
        [
            *measure_by_name(setting),
            *measure_with_words(setting),
            *_measures("name of the greatest measured colour", truth, greatest),
            *_measures("measured colours", truth, measured),
            *_measures("model", truth, model),
            *_measures("both", truth, both, (_TOP_TARGET, _NEAR_TARGET)),
            Measure(_MILLISECONDS, _milliseconds(), better="lower"),
        ],
        products=len(rows),
        model=options.model,
    )


def _measures(
    what: str,
    truth: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    targets: Sequence[float | None] = (None, None),
) -> list[Measure]:
    """Return top-1, top-1 with near names, and the calibration error."""
    best, table = probabilities.argmax(axis=1), colour_table()
    near = np.array([[other in table.near(name) for other in table.names] for name in table.names])
    right = best == truth
    error = expected_error(probabilities.max(axis=1), right)
    return [
        Measure(f"base colour, top-1: {what}", float(right.mean()), targets[0]),
        Measure(f"base colour, near names: {what}", float(near[truth, best].mean()), targets[1]),
        Measure(f"calibration error: {what}", error, better="lower"),
    ]


def _milliseconds() -> float:
    """Return the least of several timings, so that other work on the machine counts little."""
    pixels = np.random.default_rng(0).integers(0, 255, (160, 160, 3)).astype(np.uint8)
    pixels[:40] = pixels[-40:] = 255
    times = []
    for _ in range(50):
        start = time.perf_counter()
        measure_colours(pixels)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)
