"""Fit the built-in taxonomy `retail` to the shared catalogs for the shipped model.

Learns from nine tenths of the fashion, clothing and grocery sets, never from the tenth that is held
back, and writes the file that ships beside the taxonomy. Run it again after the model or the
taxonomy has changed. Vectors are kept in the cache.

The model was trained on the same nine tenths and knows those images better than it knows new ones,
so that scales and thresholds fitted to them are too confident. With `--calibrate-on held-half`
these few numbers, and nothing else, are fitted to one half of what is held back, chosen by a hash
of the id. `scripts/bench tags` then measures on the other half alone.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from embeddings import load_encoder
from indexer.tagging import write_fitted
from indexer.tagging.fitting import fit_taxonomy
from indexer.tagging.taxonomy import BUILT_IN, read_taxonomy
from scripts.evaluation.tags.setting import Setting, calibration_rows, train_rows

__all__ = ["add_options", "train"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--model", default="compact", help="the model that the fit is for")
    parser.add_argument(
        "--calibrate-on", choices=("training", "held-half"), default="training",
        help="what scales and thresholds are fitted to",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, help="images of each set at most, for a trial")
    parser.add_argument(
        "--out", type=Path, default=BUILT_IN / "retail-compact.safetensors", help="file to write"
    )


def train(options: argparse.Namespace) -> None:
    """Fit and write the file."""
    encoder, taxonomy = load_encoder(options.model), read_taxonomy("retail")
    setting = Setting(options.data, options.cache, encoder, taxonomy, options.limit)
    examples = setting.examples(train_rows)
    calibration = None
    if options.calibrate_on == "held-half":
        everything = replace(setting, limit=None)
        calibration = everything.examples(calibration_rows)
    fitted = fit_taxonomy(encoder, taxonomy, examples, validation=calibration)
    about = {
        "model": options.model,
        "taxonomy": f"{taxonomy.name} {taxonomy.version}",
        "examples": str(len(examples.vectors)),
        "calibrated_on": options.calibrate_on,
    }
    write_fitted(options.out, replace(fitted, about=about))
    size = options.out.stat().st_size
    print(f"{options.out}: {len(examples.vectors)} examples, {size / 1000:.0f} kB")
