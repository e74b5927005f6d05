"""Time of the command line on the demo's catalog.

Whole processes on a warm disk, the best of several runs. The baseline of the same run is a process
that only imports torch and open_clip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.docs.figures import Block, Listing
from scripts.support.measuring import Measure, Report

__all__ = ["add_options", "blocks", "measure"]

_LOOKALIKE = str(Path(sys.executable).with_name("lookalike"))
_REPEATS = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--repeats", type=int, help=f"runs of each command, {_REPEATS} by default")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/performance.md."""
    rows = {
        "help_seconds": "`lookalike --help`, seconds",
        "search_process_seconds": "`lookalike search`, seconds",
        "import_torch_open_clip_seconds": "a process that imports torch and open_clip, seconds",
        "search_process_to_imports_ratio": "`lookalike search` against those imports",
        "build_images_per_second": "`lookalike index build` of the demo's catalog, images a second",
    }
    return [Block("docs/performance.md", "scripts/bench cli --docs", [Listing(rows)])]


def measure(options: argparse.Namespace) -> Report:
    """Build the demo's index and time the commands."""
    repeats = options.repeats or (1 if options.quick else _REPEATS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = [_LOOKALIKE, "demo", "--no-serve", "--dir", name]
        subprocess.run(demo, check=True, capture_output=True)
        build = [_LOOKALIKE, "index", "build", str(folder / "catalog.csv")]
        build += ["--index", str(folder / "again"), "--json"]
        built = subprocess.run(build, check=True, capture_output=True, text=True)
        search = [_LOOKALIKE, "search", "blue mug", "--index", str(folder / "index"), "--json"]
        baseline = _seconds([sys.executable, "-c", "import torch, open_clip"], repeats)
        searching = _seconds(search, repeats)
        help_seconds = _seconds([_LOOKALIKE, "--help"], repeats)
    return Report.of(
        [
            Measure("help_seconds", help_seconds, 0.7, "lower"),
            Measure("search_process_seconds", searching, 8.0, "lower"),
            Measure("import_torch_open_clip_seconds", baseline, None, "lower"),
            Measure("search_process_to_imports_ratio", searching / baseline, None, "lower"),
            Measure("build_images_per_second", json.loads(built.stdout)["images_per_second"]),
        ],
        repeats=repeats,
    )


def _seconds(command: list[str], repeats: int) -> float:
    """Return the time of the quickest of several runs of a command."""
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    return best
