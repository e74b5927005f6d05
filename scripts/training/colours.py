"""Fit colour names, colour classifier and colour matching to the fashion catalog's training part.

Writes `indexer/colours/data`. Measured colours are kept in the cache: a second run is quick. Two
numbers say how much measured colours and the model count together. They are fitted to one half of
the held-back tenth, since the model knows the training part better than it knows new images.
`scripts/bench colours` measures on the other half, which is never used here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from indexer.colours import (
    CLASSIFIER_FILE,
    MATCHING_FILE,
    TABLE_FILE,
    ColourClassifier,
    colour_features,
    colour_matching,
    colour_table,
    imagined_colour,
)
from scripts.evaluation.colours.catalog import (
    CatalogColours,
    measured_colours,
    read_catalog_colours,
    word_of,
)
from scripts.evaluation.colours.model import model_probabilities
from scripts.training.colour_fitting import (
    Examples,
    fit_anchors,
    fit_pool,
    fit_regression,
    fit_table,
)
from scripts.training.colour_matching import fit_logits, fit_photo, fit_weights

__all__ = ["add_options", "train"]

_PARTS = ("names", "classifier", "matching")
# How far a colour may differ from a match, and how much less its lightness counts. Chosen among 6,
# 8, 9, 10 and 14, and 1, 1.5 and 2, by the first ten hits of names among the training part.
_SPREAD, _LIGHTNESS = 9.0, 1.5
_DIGITS = 4


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--model", default="compact", help="the model that is put together with")
    parser.add_argument(
        "--part", action="append", choices=_PARTS, help="repeatable; all by default"
    )


def train(options: argparse.Namespace) -> None:
    """Fit and write the chosen parts."""
    catalog = read_catalog_colours(options.data)
    colours = measured_colours(options.data, options.cache, catalog.train)
    measured = colours[..., 3].any(axis=1)
    examples = Examples(catalog.names, catalog.labels[catalog.train[measured]], colours[measured])
    anchors = fit_anchors(examples)
    parts = options.part or _PARTS
    if "names" in parts:
        table = fit_table(examples, anchors)
        TABLE_FILE.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
        print(f"wrote {TABLE_FILE.name}: {len(table['colours'])} names, spread {table['spread']}")
    if "classifier" in parts:
        found = _classifier(catalog, examples, anchors, options)
        arrays = {name: np.ascontiguousarray(a, np.float16) for name, a in asdict(found).items()}
        save_file(arrays, CLASSIFIER_FILE)
        print(f"wrote {CLASSIFIER_FILE.name}, pool {found.pool.tolist()}")
    if "matching" in parts:
        _write_matching(examples, options.data)


def _write_matching(examples: Examples, data: Path) -> None:
    """Fit how products match colours, and write it."""
    table = colour_table()
    imagined = [imagined_colour(name) for name in table.names]
    pairs = [
        (colour, centre)
        for colour, centre in zip(imagined, table.centres, strict=True)
        if colour is not None and np.isfinite(centre[0])
    ]
    fitted = {
        **fit_weights(examples),
        "spread": _SPREAD,
        "lightness": _LIGHTNESS,
        "photo": fit_photo(*(np.array(part) for part in zip(*pairs, strict=True))),
        "logits": (0.0, 1.0, 1.0),
    }
    # The points of names need the file: it is written once without the log-odds, and then with.
    _write(fitted)
    names = json.loads((data / "colour_names.json").read_text("utf-8"))
    accepted = {text: right for text, right in names.items() if isinstance(right, list)}
    stated = [examples.names[label] for label in examples.labels]
    words = {text: [word_of(value) for value in right] for text, right in accepted.items()}
    fitted["logits"] = fit_logits(colour_matching(), examples.colours, stated, words)
    _write(fitted)
    print(f"wrote {MATCHING_FILE.name}, log-odds {fitted['logits']}")


def _write(fitted: Mapping[str, Any]) -> None:
    rounded = {
        name: np.asarray(value, np.float64).round(_DIGITS).tolist()
        for name, value in fitted.items()
    }
    text = json.dumps({"about": "Made by `scripts/train colours`; CIELAB is of D50.", **rounded})
    MATCHING_FILE.write_text(text.replace('], "', '],\n "') + "\n", "utf-8")


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
