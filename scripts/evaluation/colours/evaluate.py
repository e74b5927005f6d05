"""How well products' colours are named: by what was measured, by the model, by both.

    python scripts/evaluate_colours.py --data ../shared/data [--json]

On that half of the held-back tenth of the fashion catalog which nothing was fitted to.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.colours import classifier, colour_table, measure_colours, unpack
from scripts.evaluation.colours.catalog import CatalogColours, read_catalog_colours
from scripts.evaluation.colours.model import model_probabilities
from scripts.support.measuring import Measure, machine, show

ROOT = Path(__file__).parents[3]
_TOP, _NEAR = 0.65, 0.80


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache")
    parser.add_argument("--model", default="compact")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    catalog = read_catalog_colours(asked.data, asked.cache)
    rows = catalog.held
    fitted = classifier()
    measured = fitted.probabilities(catalog.colours[rows])
    model = model_probabilities(asked.model, asked.data, asked.cache, rows)
    lab, _ = unpack(catalog.colours[rows])
    greatest = np.eye(len(catalog.names), dtype=np.float32)[_renamed(catalog, lab)]
    measures = [
        *_measures("name of the greatest measured colour", catalog, greatest),
        *_measures("measured colours", catalog, measured),
        *_measures("model", catalog, model),
        *_measures("both", catalog, fitted.together(measured, model), _TOP, _NEAR),
        Measure("measuring a picture of 160 x 160, ms", _milliseconds(), better="lower"),
    ]
    show(measures, machine(products=len(rows), model=asked.model), as_json=asked.json)


def _renamed(catalog: CatalogColours, lab: NDArray[np.float32]) -> NDArray[np.int64]:
    named = colour_table().named(lab[:, 0])
    assert catalog.names == colour_table().names, "fit the names again: scripts/fit_colours.py"
    return named


def _measures(
    what: str,
    catalog: CatalogColours,
    probabilities: NDArray[np.float32],
    top: float | None = None,
    with_near: float | None = None,
) -> list[Measure]:
    """Top-1, top-1 with near names, and how far probabilities are from frequencies."""
    truth, best = catalog.labels[catalog.held], probabilities.argmax(axis=1)
    names = catalog.names
    near = np.array([[other in colour_table().near(name) for other in names] for name in names])
    right = best == truth
    return [
        Measure(f"base colour, top-1: {what}", float(right.mean()), top),
        Measure(f"base colour, near names: {what}", float(near[truth, best].mean()), with_near),
        Measure(
            f"calibration error: {what}", _ece(probabilities.max(axis=1), right), better="lower"
        ),
    ]


def _ece(sure: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017, equation 3)."""
    bins = np.minimum((sure * 15).astype(int), 14)
    gaps = [
        abs(float(sure[bins == b].sum()) - float(right[bins == b].sum())) for b in np.unique(bins)
    ]
    return sum(gaps) / len(sure)


def _milliseconds() -> float:
    """The least of several timings, so that what else runs counts little."""
    pixels = np.random.default_rng(0).integers(0, 255, (160, 160, 3)).astype(np.uint8)
    pixels[:40] = pixels[-40:] = 255
    times = []
    for _ in range(50):
        start = time.perf_counter()
        measure_colours(pixels)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


if __name__ == "__main__":
    main()
