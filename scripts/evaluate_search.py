"""Measure search: `scripts/evaluate_search.py [--part hybrid] [--json]`; needs the shared data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from measuring import machine, show  # noqa: E402
from search_evaluation.hybrid import hybrid_measures  # noqa: E402

from embeddings.clip import load_encoder  # noqa: E402

PARTS = {"hybrid": hybrid_measures}


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="by default all")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "search")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    encoder = load_encoder("compact")
    measures = [
        measure
        for part in options.part or PARTS
        for measure in PARTS[part](options.data, options.cache, encoder)
    ]
    spec = encoder.spec
    show(measures, machine(device=spec.device, precision=spec.precision), as_json=options.json)


if __name__ == "__main__":
    main()
