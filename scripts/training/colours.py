"""Fit the colour names and the colour classifier on the training part of the fashion catalog.

    python scripts/fit_colours.py --data ../shared/data

Writes `indexer/colours/data`. Measured colours are cached, so that a second run is quick. How much
measured colours and the model count together, two numbers, is fitted to one half of the held-back
tenth, since the model knows the training part better than it knows new pictures;
`scripts/evaluate_colours.py` measures on the other half, which is never looked at here.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from indexer.colours import CLASSIFIER_FILE, TABLE_FILE, ColourClassifier, colour_features
from scripts.evaluation.colours.catalog import CatalogColours, read_catalog_colours
from scripts.evaluation.colours.model import model_probabilities
from scripts.support.measuring import machine
from scripts.training.colour_fitting import fit_anchors, fit_pool, fit_regression, fit_table

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Fit and write both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache")
    parser.add_argument("--model", default="compact")
    asked = parser.parse_args()
    catalog = read_catalog_colours(asked.data, asked.cache)
    anchors = fit_anchors(catalog)
    table = fit_table(catalog, anchors)
    TABLE_FILE.parent.mkdir(exist_ok=True)
    TABLE_FILE.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    print(f"wrote {TABLE_FILE.name}: {len(table['colours'])} names, spread {table['spread']}")
    found = _classifier(catalog, anchors, asked)
    save_file(
        {name: np.ascontiguousarray(array, np.float16) for name, array in asdict(found).items()},
        CLASSIFIER_FILE,
    )
    print(f"wrote {CLASSIFIER_FILE.name}, pool {found.pool.tolist()}; on {machine()}")


def _classifier(
    catalog: CatalogColours, anchors: NDArray[np.float32], asked: argparse.Namespace
) -> ColourClassifier:
    features = colour_features(catalog.colours[catalog.train], anchors)
    weights, bias = fit_regression(features, catalog.labels[catalog.train])
    alone = ColourClassifier(anchors, weights, bias, np.ones(2, np.float32))
    rows = catalog.calibration
    measured = alone.probabilities(catalog.colours[rows])
    model = model_probabilities(asked.model, asked.data, asked.cache, rows)
    pool = fit_pool(measured, model, catalog.labels[rows])
    return ColourClassifier(anchors, weights, bias, pool)


if __name__ == "__main__":
    main()
