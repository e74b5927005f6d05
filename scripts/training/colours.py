"""Fit the colour names and the colour classifier to the training part of the fashion catalog.

Writes `indexer/colours/data`. Measured colours are kept in the cache: a second run is quick. Two
numbers say how much measured colours and the model count together. They are fitted to one half of
the held-back tenth, since the model knows the training part better than it knows new images.
`scripts/bench colours` measures on the other half, which is never used here.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from indexer.colours import CLASSIFIER_FILE, TABLE_FILE, ColourClassifier, colour_features
from scripts.evaluation.colours.catalog import (
    CatalogColours,
    measured_colours,
    read_catalog_colours,
)
from scripts.evaluation.colours.model import model_probabilities
from scripts.training.colour_fitting import (
    Examples,
    fit_anchors,
    fit_pool,
    fit_regression,
    fit_table,
)

__all__ = ["add_options", "train"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--model", default="compact", help="the model that is put together with")


def train(options: argparse.Namespace) -> None:
    """Fit and write both."""
    catalog = read_catalog_colours(options.data)
    colours = measured_colours(options.data, options.cache, catalog.train)
    measured = colours[..., 3].any(axis=1)
    examples = Examples(catalog.names, catalog.labels[catalog.train[measured]], colours[measured])
    anchors = fit_anchors(examples)
    table = fit_table(examples, anchors)
    TABLE_FILE.parent.mkdir(exist_ok=True)
    TABLE_FILE.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    print(f"wrote {TABLE_FILE.name}: {len(table['colours'])} names, spread {table['spread']}")
    found = _classifier(catalog, examples, anchors, options)
    save_file(
        {name: np.ascontiguousarray(array, np.float16) for name, array in asdict(found).items()},
        CLASSIFIER_FILE,
    )
    print(f"wrote {CLASSIFIER_FILE.name}, pool {found.pool.tolist()}")


def _classifier(
    catalog: CatalogColours,
    examples: Examples,
    anchors: NDArray[np.float32],
    options: argparse.Namespace,
) -> ColourClassifier:
    weights, bias = fit_regression(colour_features(examples.colours, anchors), examples.labels)
    alone = ColourClassifier(anchors, weights, bias, np.ones(2, np.float32))
    rows = catalog.calibration
    measured = alone.probabilities(measured_colours(options.data, options.cache, rows))
    model = model_probabilities(options.model, options.data, options.cache, rows)
    pool = fit_pool(measured, model, catalog.labels[rows])
    return ColourClassifier(anchors, weights, bias, pool)
