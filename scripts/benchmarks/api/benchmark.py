"""Measure the HTTP API under load: `scripts/benchmark_api.py [--index DIR] [--quick] [--json]`.

Real server processes with `compact`, asked over loopback by a process of its own; what they are
compared with runs in the same turns. Without --index, one of 9,000 fashion products is built from
the shared catalogs and kept in `.cache/benchmark_api`. On two cores all takes about ten minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from indexer.index import Index, index_exists
from scripts.benchmarks.api.measures import Times, latency, overload, throughput
from scripts.benchmarks.api.publishing import publishing
from scripts.benchmarks.api.queries import write_queries
from scripts.support.measuring import Measure, machine, show

ROOT = Path(__file__).resolve().parents[3]

CATALOG = ROOT.parent / "shared" / "data" / "fashion-train-0000.parquet"
CACHE = ROOT / ".cache" / "benchmark_api" / "index"
PARTS = ("latency", "throughput", "overload", "publishing")
# What each part is for, so that one that fails is told as measures without a value.
TARGETS = {
    "latency": [
        Measure("text_over_alone_ms", None, 2.5, "lower"),
        Measure("upload_over_alone_ms", None, 4.0, "lower"),
    ],
    "throughput": [
        Measure("throughput_32_to_one_client", None, 2.5),
        Measure("throughput_32_to_encoder_batches", None, 0.9),
        Measure("throughput_32_to_plain_handler", None, 2.0),
    ],
    "overload": [
        Measure("overload_goodput_to_peak", None, 0.9),
        Measure("overload_accepted_p99_to_p99_at_80", None, 2.0, "lower"),
        Measure("overload_refusals_p99_ms", None, 50.0, "lower"),
    ],
    "publishing": [
        Measure("publishes_failed", None, 0.0, "lower"),
        Measure("publishes_mixed", None, 0.0, "lower"),
    ],
}
# What a part ends with when a process of it fails, or an answer is none.
FAILURES = (OSError, RuntimeError, ValueError, subprocess.SubprocessError)


def built() -> Path:
    """The index that is kept for this script."""
    if not index_exists(CACHE):
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        main = "from search_api.cli import main; main()"
        build = [sys.executable, "-c", main, "index", "build", str(CATALOG), "--index", str(CACHE)]
        subprocess.run(build, check=True, cwd=ROOT)
    return CACHE


def measure(index: Path, parts: list[str], times: Times, publishes: int) -> list[Measure]:
    """Take the measures of some parts; what of one that fails has a reason and no value."""
    found: list[Measure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        queries = write_queries(Index.open(index), folder)
        takes: dict[str, Callable[[], list[Measure]]] = {
            "latency": lambda: latency(index, queries, folder, times),
            "throughput": lambda: throughput(index, queries, folder, times),
            "overload": lambda: overload(index, queries, folder, times),
            "publishing": lambda: publishing(index, folder, publishes),
        }
        for part in parts:
            try:
                found += takes[part]()
            except FAILURES as error:
                reason = f"{type(error).__name__}: {str(error)[:200]}"
                found += [replace(each, reason=reason) for each in TARGETS[part]]
    return found


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--index", type=Path, help="an index by `compact` with thumbnails")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="short loads, for development")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    times = Times(3.0, 8.0) if options.quick else Times(10.0, 60.0)
    index = options.index or built()
    found = measure(index, options.parts, times, 5 if options.quick else 50)
    about = machine(products=Index.open(index).manifest.products, quick=options.quick)
    show(found, about, as_json=options.json)


if __name__ == "__main__":
    main()
