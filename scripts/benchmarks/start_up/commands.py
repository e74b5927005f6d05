"""Whole commands on a warm disk: a search by words, against a process that only imports numpy."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts.support.measuring import Figure, Measure, NotMeasured
from scripts.support.processes import LOOKALIKE, timed

__all__ = ["SEARCH", "best_in_turns", "commands"]

SEARCH = "search_process_to_numpy_plus_1s"
"""Seconds of `lookalike search TEXT`, against those of importing numpy and one more."""

_LIMIT = 120.0


def commands(index: Path, repeats: int) -> Iterator[Figure]:
    """Time the commands over an index, the best of so many turns."""
    search = [*LOOKALIKE, "search", "blue mug", "--index", str(index), "--json"]
    found = best_in_turns(
        {
            "help": [*LOOKALIKE, "--help"],
            "search": search,
            "keyword_search": [*search, "--mode", "keyword"],
            "import_numpy": [sys.executable, "-c", "import numpy"],
            "import_torch_open_clip": [sys.executable, "-c", "import torch, open_clip"],
        },
        repeats,
    )
    names = {
        "help": "help_seconds",
        "search": "search_process_seconds",
        "keyword_search": "keyword_search_process_seconds",
        "import_numpy": "import_numpy_seconds",
        "import_torch_open_clip": "import_torch_open_clip_seconds",
    }
    targets = {"help": 0.7}
    for key, name in names.items():
        value = found[key]
        if isinstance(value, str):
            yield NotMeasured(name, value)
        else:
            yield Measure(name, value, targets.get(key), "lower")
    yield _ratio(SEARCH, found["search"], found["import_numpy"], 1.0, 1.0)
    imports = found["import_torch_open_clip"]
    yield _ratio("search_process_to_imports_ratio", found["search"], imports, 0.0, None)


def _ratio(
    name: str, ours: float | str, base: float | str, more: float, target: float | None
) -> Figure:
    """Return our seconds against those of a baseline and some more."""
    for value in (ours, base):
        if isinstance(value, str):
            return NotMeasured(name, value)
    return Measure(name, float(ours) / (float(base) + more), target, "lower")


def best_in_turns(tasks: Mapping[str, Sequence[str]], turns: int) -> dict[str, float | str]:
    """Run each command once a turn, after one that warms the disk.

    Returns:
        For each the seconds of its quickest run, or why it failed.
    """
    best: dict[str, float | str] = {}
    for turn in range(turns + 1):
        for name, command in tasks.items():
            before = best.get(name, float("inf"))
            if isinstance(before, str):
                continue
            try:
                seconds = timed(command, limit=_LIMIT)
            except RuntimeError as error:
                best[name] = str(error)
                continue
            best[name] = min(before, seconds) if turn else float("inf")
    return best
