"""The HTTP API under load: latency, throughput, overload, and publishing while clients search.

Real server processes with `compact` are queried over loopback by a process of its own. What they
are compared with runs in the same turns. Without --index, an index of 9,000 fashion products is
built from the shared catalogs and kept in the cache. On two cores all takes about ten minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from indexer.index import Index, index_exists
from scripts.benchmarks.api.measures import latency, overload, throughput
from scripts.benchmarks.api.publishing import publishing
from scripts.benchmarks.api.queries import write_queries
from scripts.benchmarks.api.setup import Setup, Times
from scripts.docs.figures import Block, Listing
from scripts.support.front import ROOT
from scripts.support.measuring import Figure, NotMeasured, Report
from scripts.support.processes import use_new_cache

__all__ = ["PARTS", "Part", "add_options", "blocks", "measure", "measure_parts"]

_CATALOG = "fashion-train-0000.parquet"
# How a part ends when one of its processes fails, or an answer can't be read.
_FAILURES = (OSError, RuntimeError, ValueError, subprocess.SubprocessError)
_TIMES = Times(short=10.0, overload=60.0)
_QUICK_TIMES = Times(short=3.0, overload=8.0)
_PUBLISHES = 50
_QUICK_PUBLISHES = 5


@dataclass(frozen=True)
class Part:
    """One part of the benchmark.

    Attributes:
        run: Takes the measures.
        targets: The measures that have a target, with what the page calls each.
    """

    run: Callable[[Setup], list[Figure]]
    targets: Mapping[str, str]


PARTS: dict[str, Part] = {
    "latency": Part(
        latency,
        {
            "text_over_alone_ms": "text query, ms more than encode and search alone (p50)",
            "upload_over_alone_ms": "upload, ms more than decode, encode and search alone (p50)",
        },
    ),
    "throughput": Part(
        throughput,
        {
            "throughput_32_to_bound": "uploads of 32 clients against the bound of its stages",
            "throughput_32_to_plain_handler": "the same against a plain FastAPI handler with torch",
        },
    ),
    "overload": Part(
        overload,
        {
            "overload_goodput_to_peak": "goodput at four times capacity against the peak",
            "overload_accepted_p99_to_p99_at_80": "accepted p99 there against that at 80% load",
            "overload_refusals_p99_ms": "refusals at four times capacity, p99 in ms",
        },
    ),
    "publishing": Part(
        publishing,
        {
            "publishes_failed": "publications under load: failed answers",
            "publishes_mixed": "publications under load: answers of two generations",
        },
    ),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--index", type=Path, help="an index by `compact` with thumbnails")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/performance.md."""
    rows = {name: label for part in PARTS.values() for name, label in part.targets.items()}
    more = {
        "text_p50_ms": "text query over HTTP, ms (p50)",
        "upload_p50_ms": "upload over HTTP, ms (p50)",
        "uploads_per_second_32": "uploads a second, 32 clients",
        "throughput_32_to_one_client": "the same against the encoder one by one",
        "throughput_32_to_encoder_batches": "the same against the encoder's batches",
        "texts_per_second_32": "text queries a second, 32 clients",
        "publishes": "publications",
    }
    return [Block("docs/performance.md", "scripts/bench api --docs", [Listing(rows | more)])]


def measure(options: argparse.Namespace) -> Report:
    """Measure the chosen parts."""
    with tempfile.TemporaryDirectory() as name:
        use_new_cache(Path(name))
        index = options.index or _built(options.data, options.cache / "api" / "index")
        opened = Index.open(index)
        setup = Setup(
            index,
            write_queries(opened, Path(name)),
            Path(name),
            _QUICK_TIMES if options.quick else _TIMES,
            _QUICK_PUBLISHES if options.quick else _PUBLISHES,
        )
        return Report.of(measure_parts(setup, options.parts), products=opened.manifest.products)


def measure_parts(setup: Setup, names: list[str]) -> list[Figure]:
    """Take the measures of some parts; those of a part that fails are not measured."""
    figures: list[Figure] = []
    for name in names:
        part = PARTS[name]
        try:
            figures += part.run(setup)
        except _FAILURES as error:
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            figures += [NotMeasured(target, reason) for target in part.targets]
    return figures


def _built(data: Path, folder: Path) -> Path:
    """Build the index that is kept for this benchmark, unless it is there."""
    if not index_exists(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        main = "from search_api.cli import main; main()"
        build = [sys.executable, "-c", main, "index", "build", str(data / _CATALOG)]
        subprocess.run(
            [*build, "--index", str(folder)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
        )
    return folder
