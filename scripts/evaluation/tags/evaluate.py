"""Measure tags: `scripts/evaluate_tags.py [--json]`; needs the shared catalogs.

Figures are of the held-back tenth of the fashion, clothing and grocery sets, with the taxonomy
`retail`. Vectors are computed once for each model and kept in `.cache/tags`. With
`--docs docs/tags.md` the page's figures are brought up to date. Where thresholds were fitted to one
half of the tenth, figures are of the other.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from embeddings.clip import load_encoder
from indexer.tagging import read_fitted, shipped_fit
from indexer.tagging.taxonomy import read_taxonomy
from scripts.evaluation.tags.docs import write_figures
from scripts.evaluation.tags.measures import measure_tags
from scripts.evaluation.tags.setting import Setting
from scripts.support.measuring import machine, show

ROOT = Path(__file__).resolve().parents[3]


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache")
    parser.add_argument("--fitted", type=Path, help="by default what ships for the model")
    parser.add_argument("--docs", type=Path, help="a page whose table of figures is written anew")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    if not any(options.data.glob("fashion-train-*.parquet")):
        parser.error(f"the shared catalogs are not in {options.data}")
    encoder = load_encoder(options.model)
    setting = Setting(options.data, options.cache, encoder, read_taxonomy("retail"))
    fitted = shipped_fit(setting.taxonomy, encoder.spec)
    if options.fitted is not None:
        fitted = read_fitted(options.fitted)
    spec = encoder.spec
    told = {} if fitted is None else fitted.about
    about = machine(
        device=spec.device,
        precision=spec.precision,
        fingerprint=spec.fingerprint,
        calibrated_on=told.get("calibrated_on", "nothing"),
    )
    measures = measure_tags(setting, fitted)
    if options.docs is not None:
        write_figures(options.docs, measures)
    show(measures, about, as_json=options.json)


if __name__ == "__main__":
    main()
