"""Fit `retail` to the shared catalogs for the shipped model: `scripts/fit_tags.py`.

Learns from nine tenths of the fashion, clothing and grocery sets, never from the tenth that is held
back, and writes the file that ships beside the taxonomy. Run it again after the model or the
taxonomy has changed; vectors are computed once for each model and kept in `.cache/tags`.

The model was trained on the same nine tenths and knows those pictures better than it knows new
ones, so that scales and thresholds fitted to them are too sure of themselves. With
`--calibrate-on held-half` these few numbers, and nothing else, are fitted to one half of what is
held back, by a hash of the id; `evaluate_tags.py` then measures on the other half alone.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from embeddings.clip import load_encoder
from indexer.tagging import write_fitted
from indexer.tagging.fitting import fit_taxonomy
from indexer.tagging.taxonomy import BUILT_IN, read_taxonomy
from scripts.evaluation.tags.setting import Setting, calibration_rows, train_rows

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Parse the command line, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache")
    parser.add_argument(
        "--calibrate-on", choices=("training", "held-half"), default="training",
        help="what scales and thresholds are fitted to",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, help="pictures of each set at most, for a quick look")
    parser.add_argument("--out", type=Path, default=BUILT_IN / "retail-compact.safetensors")
    options = parser.parse_args()
    if not any(options.data.glob("fashion-train-*.parquet")):
        parser.error(f"the shared catalogs are not in {options.data}")
    encoder, taxonomy = load_encoder(options.model), read_taxonomy("retail")
    setting = Setting(options.data, options.cache, encoder, taxonomy)
    examples = setting.examples(train_rows(options.limit))
    calibration = None
    if options.calibrate_on == "held-half":
        calibration = setting.examples(calibration_rows)
    fitted = fit_taxonomy(encoder, taxonomy, examples, calibration=calibration)
    about = {
        "model": options.model,
        "taxonomy": f"{taxonomy.name} {taxonomy.version}",
        "examples": str(len(examples.vectors)),
        "calibrated_on": options.calibrate_on,
    }
    write_fitted(options.out, replace(fitted, about=about))
    size = options.out.stat().st_size
    print(f"{options.out}: {len(examples.vectors)} examples, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
