"""Time of the command line: whole commands, a server, an installation, large catalogs.

Whole processes on a warm disk; commands take turns, and the best of several runs counts. A fresh
clone is installed too (`--skip install` leaves that out), for which pip needs its index. Large
catalogs are made of the shared one; without it they are left out.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from scripts.benchmarks.large_catalogs import (
    DUPLICATES,
    REBUILD,
    REPORT,
    duplicates_and_report,
    unchanged_rebuild,
)
from scripts.benchmarks.start_up.commands import SEARCH, commands
from scripts.benchmarks.start_up.install import DEMO, SIZE, installation
from scripts.benchmarks.start_up.server import READY, RESIDENT, server
from scripts.docs.figures import Block, Listing
from scripts.support.measuring import Figure, Measure, NotMeasured, Report
from scripts.support.processes import LOOKALIKE, run, use_new_cache

__all__ = ["add_options", "blocks", "measure"]

_REPEATS = 5
_BUILD = "build_images_per_second"
_LIMIT = 300.0

# The measures that each part takes, by which one that fails is reported.
_PARTS = {
    "commands": ("help_seconds", "search_process_seconds", SEARCH),
    "build": (_BUILD,),
    "server": (READY, RESIDENT),
    "install": (DEMO, SIZE),
    "rebuild": (REBUILD,),
    "quality": (DUPLICATES, REPORT),
}
# Parts that `--quick` leaves out.
_SLOW = ("install", "rebuild", "quality")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--repeats", type=int, help=f"runs of each command, {_REPEATS} by default")
    parser.add_argument(
        "--skip", nargs="+", choices=_PARTS, default=[], help="parts that are left out"
    )


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/performance.md."""
    rows = {
        "help_seconds": "`lookalike --help`, seconds",
        "search_process_seconds": "`lookalike search`, seconds",
        "keyword_search_process_seconds": "`lookalike search --mode keyword`, seconds",
        "import_numpy_seconds": '`python -c "import numpy"`, seconds',
        SEARCH: "`lookalike search` against that and one second",
        "import_torch_open_clip_seconds": "a process that imports torch and open_clip, seconds",
        "search_process_to_imports_ratio": "`lookalike search` against those imports",
        READY: "`lookalike serve` until `/readyz` says yes, seconds",
        RESIDENT: "resident memory of a server after 1,000 queries, MB",
        SIZE: "small installation on disk, MB",
        DEMO: "`scripts/demo --no-serve` from a fresh clone, seconds",
        REBUILD: "`lookalike index build` with nothing changed, 35,598 products, seconds",
        DUPLICATES: "`lookalike index duplicates`, 100 thousand products, seconds",
        REPORT: "`lookalike index report`, 100 thousand products, seconds",
        _BUILD: "`lookalike index build` of the demo's catalog, images a second",
    }
    return [Block("docs/performance.md", "scripts/bench cli --docs", [Listing(rows)])]


def measure(options: argparse.Namespace) -> Report:
    """Build the demo's index, and time what uses it."""
    repeats = options.repeats or (1 if options.quick else _REPEATS)
    skipped = {*options.skip, *(_SLOW if options.quick else [])}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        use_new_cache(folder)
        run([*LOOKALIKE, "demo", "--no-serve", "--dir", name], limit=_LIMIT)
        pictures = sorted((folder / "pictures").iterdir())
        parts: dict[str, Callable[[], Iterator[Figure]]] = {
            "commands": partial(commands, folder / "index", repeats),
            "build": partial(_build, folder),
            "server": partial(server, folder / "index", pictures, min(3, repeats)),
            "install": partial(installation, folder),
            "rebuild": partial(unchanged_rebuild, options.data, options.cache, repeats),
            "quality": partial(duplicates_and_report, options.data, options.cache),
        }
        figures: list[Figure] = []
        for part, run_part in parts.items():
            left_out = "left out of this run" if part in skipped else None
            figures += _measured(run_part, _PARTS[part], left_out)
    return Report.of(figures, repeats=repeats)


def _measured(
    part: Callable[[], Iterator[Figure]], names: tuple[str, ...], reason: str | None
) -> list[Figure]:
    """Take a part's measures; those that it could not take are not measured."""
    found: list[Figure] = []
    if reason is None:
        try:
            found.extend(part())
        except (RuntimeError, OSError) as error:
            reason = str(error)
    there = {figure.name for figure in found}
    return found + [NotMeasured(name, str(reason)) for name in names if name not in there]


def _build(folder: Path) -> Iterator[Measure]:
    """Build the demo's catalog anew."""
    index = str(folder / "again")
    command = [*LOOKALIKE, "index", "build", str(folder / "catalog.csv"), "--index", index]
    report = json.loads(run([*command, "--json"], limit=_LIMIT))
    yield Measure(_BUILD, report["images_per_second"])
