"""An installation from nothing: a fresh clone, `scripts/demo --no-serve`, and its size on disk.

Packages come through pip, so it needs its index; pip's cache is as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from scripts.support.front import ROOT
from scripts.support.measuring import Measure
from scripts.support.processes import run, timed

__all__ = ["DEMO", "SIZE", "bytes_on_disk", "installation"]

DEMO = "demo_from_clone_seconds"
"""Seconds of `scripts/demo --no-serve` in a fresh clone, the installation included."""

SIZE = "small_install_mb"
"""Megabytes (10^6 bytes) on disk of the environment that it makes."""

_LIMIT = 900.0


def installation(folder: Path) -> Iterator[Measure]:
    """Clone what is committed into a folder, and run its demo once."""
    clone = folder / "clone"
    run(["git", "clone", "--quiet", str(ROOT), str(clone)], limit=_LIMIT)
    demo = ["scripts/demo", "--no-serve"]
    seconds = timed(demo, limit=_LIMIT, folder=clone, variables={"PYTHONPATH": ""})
    yield Measure(DEMO, seconds, 45.0, "lower")
    yield Measure(SIZE, bytes_on_disk(clone / ".venv") / 1e6, 800.0, "lower")


def bytes_on_disk(folder: Path) -> int:
    """Return the bytes that a folder's files take on disk, as `du` counts them."""
    seen: dict[tuple[int, int], int] = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = (Path(parent) / name).lstat()
            # A file with several names takes its place once.
            seen[status.st_dev, status.st_ino] = 512 * status.st_blocks
    return sum(seen.values())
