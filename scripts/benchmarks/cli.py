"""Time the command line on the demo's catalog: `scripts/benchmark_cli.py [--json]`.

Whole processes on a warm disk, the best of several; the baseline in the same run is a process that
only imports torch and open_clip.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.support.measuring import Measure, machine, show

LOOKALIKE = str(Path(sys.executable).with_name("lookalike"))


def seconds(command: list[str], repeats: int) -> float:
    """The quickest of several runs of a command."""
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    """Build the demo's index, time the commands, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = [LOOKALIKE, "demo", "--no-serve", "--dir", name]
        subprocess.run(demo, check=True, capture_output=True)
        build = [LOOKALIKE, "index", "build", str(folder / "catalog.csv")]
        build += ["--index", str(folder / "again"), "--json"]
        built = subprocess.run(build, check=True, capture_output=True, text=True)
        search = [LOOKALIKE, "search", "blue mug", "--index", str(folder / "index"), "--json"]
        baseline = seconds([sys.executable, "-c", "import torch, open_clip"], options.repeats)
        searching = seconds(search, options.repeats)
        measures = [
            Measure("help_seconds", seconds([LOOKALIKE, "--help"], options.repeats), 0.7, "lower"),
            Measure("search_process_seconds", searching, 8.0, "lower"),
            Measure("import_torch_open_clip_seconds", baseline, None, "lower"),
            Measure("search_process_to_imports_ratio", searching / baseline, None, "lower"),
            Measure("build_images_per_second", json.loads(built.stdout)["images_per_second"]),
        ]
    show(measures, machine(), as_json=options.json)


if __name__ == "__main__":
    main()
