"""Recall, speed and memory of the index engine, beside hnswlib and usearch.

Searches real vectors of `compact`, with more drawn around them (see vectors.py), by held-back
images and by product titles, on one thread. The peers take part where they are installed (`pip
install hnswlib usearch`). Indexes and vectors are kept in the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from indexer.storage import IndexKind
from scripts.benchmarks.index.steps import Step
from scripts.docs.figures import Block, Grid, Listing
from scripts.support.front import ROOT
from scripts.support.measuring import Figure, Measure, NotMeasured, Report

__all__ = ["add_options", "blocks", "measure"]

# Products of the index that is measured, and of the smaller one that shows how latency grows.
_ROWS, _SMALL = 1_000_000, 100_000
_QUICK_ROWS, _QUICK_SMALL = 100_000, 10_000
# Images and titles that a short run embeds; the update is measured on as many products.
_QUICK_EMBEDDED = 2_000
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_KINDS = {"image": "images", "text": "texts"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--rows", type=int, help=f"products, {_ROWS:,} by default")
    parser.add_argument("--no-peers", action="store_true", help="leave hnswlib and usearch out")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/performance.md."""
    searches = {
        "recall_10_{}": "recall@10 at default settings",
        "search_{}_ms": "milliseconds a search",
        "latency_growth_{}": "the same against an index of a tenth of the products",
    }
    rows = {
        pattern.format(old): f"{label}, {new}"
        for pattern, label in searches.items()
        for old, new in (("pictures", "images"), ("texts", "texts"))
    }
    peers = {
        f"latency_vs_{name}_{kind}": f"time against {name} at equal recall, {_KINDS[kind]}"
        for name in ("hnswlib", "usearch")
        for kind in _KINDS
    }
    filters = Grid(
        "filter_{row}_{column}",
        {
            "1pct": "passes 1%",
            "10pct": "passes 10%",
            "50pct": "passes 50%",
            "colour": "a colour, which goes with where products lie",
        },
        {
            f"{kind}_{what}": f"{label}, {what}"
            for kind, label in _KINDS.items()
            for what in ("latency", "recall")
        },
        "filter",
    )
    rest = {
        f"predicate_{name}_ms_a_million": f"predicate `{name}` over a million rows, ms"
        for name in ("equals", "prefix", "in", "and", "range")
    } | {
        "predicate_times_quicker_than_a_loop": "equals, times quicker than a Python loop",
        "resident_gigabytes": "resident memory with the model, GiB",
        "resident_index_gigabytes": "of which the index, GiB",
        "publish_to_reader_seconds": "from publication until a reader answers from it, seconds",
        "publish_failed_queries": "failed queries meanwhile",
        "add_1pct_to_allowed_ratio": "adding 1% of products against 2% of a build plus start-up",
        "change_one_embedded": "changing one product: images embedded",
        "change_one_seconds": "changing one product: seconds",
    }
    kinds = Grid(
        "kind_{row}_{column}",
        {str(kind): f"`{kind}`" for kind in IndexKind},
        {
            "megabytes": "memory that opening and searching adds, MB",
            "image_recall": "images, recall@10",
            "image_ms": "images, ms",
            "text_recall": "texts, recall@10",
            "text_ms": "texts, ms",
        },
        "kind, a tenth of the products",
    )
    tables = (Listing(rows | peers), filters, Listing(rest), kinds)
    return [Block("docs/performance.md", "scripts/bench index --docs", tables)]


def measure(options: argparse.Namespace) -> Report:
    """Build the indexes, then run every step in a process of its own."""
    quick: bool = options.quick
    rows: int = options.rows or (_QUICK_ROWS if quick else _ROWS)
    step = Step(
        options.data,
        options.cache / "index" / ("quick" if quick else "full"),
        rows,
        min(rows, _QUICK_SMALL if quick else _SMALL),
        peers=not options.no_peers,
        embedded=_QUICK_EMBEDDED if quick else None,
    )
    built = _run("build", step)
    figures = _figures(_run("search", step, **_ONE_THREAD))
    for name in ("memory", "kinds", "publish", "update"):
        figures += _figures(_run(name, step))
    return Report.of(figures, rows=rows, kind=built["kind"], build_seconds=built["seconds"])


def _run(name: str, step: Step, **environment: str) -> Any:
    """Run a step in a process of its own, with more environment variables; return its JSON."""
    command = [sys.executable, "-m", "scripts.benchmarks.index.steps", name, step.to_json()]
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    return json.loads(done.stdout.splitlines()[-1])


def _figures(rows: list[dict[str, Any]]) -> list[Figure]:
    return [NotMeasured(**row) if "reason" in row else Measure(**row) for row in rows]
