"""Measure the relevance of searches: `scripts/evaluate_search.py [--part NAME]... [--json]`.

Works on the shared catalogs with `compact`; figures are of the held-back tenth, which the model
never saw, where a part does not say otherwise. Indexes are built once, in
`.cache/search_evaluation`. Needs the shared catalogs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.evaluation.search import (
    attributes,
    diversity,
    duplicates,
    health,
    hybrid,
    recommend,
    text_weight,
)
from scripts.evaluation.search.calibration import calibration, priors
from scripts.evaluation.search.setting import Setting
from scripts.support.measuring import Measure, machine, show

ROOT = Path(__file__).resolve().parents[3]

PARTS: Mapping[str, Callable[[Setting], list[Measure]]] = {
    "hybrid": lambda s: hybrid.hybrid_measures(s.data, s.cache / "hybrid", s.encoder),
    "attributes": attributes.measure,
    "calibration": lambda s: calibration.calibration_measures(
        s.data, s.cache / "calibration", s.encoder, s.pictures
    ),
    "duplicates": lambda s: duplicates.measure_duplicates(
        s.data, s.encoder, s.pictures and s.pictures / "duplicates.png"
    ),
    "health": lambda s: health.measure_health(s.data, s.encoder),
    "diversity": diversity.measure,
    "recommend": recommend.measure,
    "text-weight": text_weight.measure,
    "priors": lambda s: priors.prior_measures(s.data, s.cache / "calibration", s.encoder),
}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="repeatable; all by default")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "search_evaluation")
    parser.add_argument("--index", type=Path, help="a ready index of the whole fashion catalog")
    parser.add_argument("--limit", type=int, help="queries of each kind at most, for a quick look")
    parser.add_argument(
        "--pictures", type=Path, help="a folder for reliability diagrams and a sheet of duplicates"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    if not any(options.data.glob("fashion-train-*.parquet")):
        parser.error(f"the shared catalogs are not in {options.data}")
    setting = Setting(options.data, options.cache, options.index, options.limit, options.pictures)
    measures = [found for part in options.part or PARTS for found in PARTS[part](setting)]
    spec = setting.encoder.spec
    about = machine(device=spec.device, precision=spec.precision, fingerprint=spec.fingerprint)
    show(measures, about, as_json=options.json)


if __name__ == "__main__":
    main()
