"""Crash test: index writers are killed at random moments, and nothing may be lost.

Builds, updates, merges, retags, prunes and rollbacks of a small index are killed with SIGKILL, some
again while they recover: at a random time, or at a random one of the points where they open, rename
or remove a file, embed a batch or have made one safe. After each kill the index must hold exactly
what it held before or what the operation was to write. Run again, the operation must succeed. The
exit code is 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from scripts.docs.figures import Block, Listing
from scripts.support.measuring import Measure, Report

__all__ = ["add_options", "blocks", "measure"]

_KILLS = 200
_QUICK_KILLS = 20
# How many problems are printed: more follow from the first ones.
_MOST_PROBLEMS = 20
# Names of counts that must stay 0, with what the page calls each.
_COUNTS = {
    "lost": "products lost",
    "phantom": "products that no complete state has",
    "double": "products found twice",
    "failed_opens": "indexes that could not be opened",
    "embedded_again": "images embedded again though they were safe",
    "failed_reruns": "operations that failed when run again",
    "damaged": "damaged generations",
    "left_over": "unfinished builds left at the end",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--kills", type=int, help=f"{_KILLS} by default, {_QUICK_KILLS} if quick")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed, and when")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/performance.md."""
    rows = {"kills": "writers killed", **_COUNTS}
    return [Block("docs/performance.md", "scripts/bench crash --docs", [Listing(rows)])]


def measure(options: argparse.Namespace) -> Report:
    """Kill writers and judge what they leave."""
    # Decoding workers import the main module's imports, and need nothing of these.
    from scripts.crashes.quiet_warnings import silence
    from scripts.crashes.trials import kill_writers

    kills = options.kills or (_QUICK_KILLS if options.quick else _KILLS)
    silence()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = kill_writers(Path(name) / "life", kills, options.seed)
    return Report.of(
        [
            Measure("kills", tally.kills.total(), kills),
            *(Measure(name, getattr(tally, name), 0, "lower") for name in _COUNTS),
        ],
        tally.problems[:_MOST_PROBLEMS],
        seed=options.seed,
        seconds=round(time.monotonic() - started, 1),
        kills_by_operation=dict(tally.kills),
    )
