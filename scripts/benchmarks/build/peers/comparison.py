"""Whole processes beside the peers': indexing a folder of photos, and one text search over it.

What is compared takes turns; a ratio is that of the medians over the turns.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.build.peers.commands import MODEL, PEERS, Task, ours, rclip_search
from scripts.benchmarks.build.pictures import peer_photos, write_folder
from scripts.benchmarks.build.random_models import model_name
from scripts.benchmarks.build.setup import Setup
from scripts.support.measuring import Figure, Measure, NotMeasured
from scripts.support.processes import LOOKALIKE, timed

__all__ = ["INDEX_TARGETS", "SEARCH_TARGETS", "indexing", "medians", "searching"]

INDEX_TARGETS = {
    "rclip": 1.5,
    "open_clip_loop": 3.0,
    "clip_retrieval": 1.5,
    "sentence_transformers": None,
    "fastembed": None,
}
"""How many times quicker than each peer to index."""

SEARCH_TARGETS = {"compact": 0.9, MODEL: 1.0}
"""The share of rclip's time that a text search may take, by model."""

_TURNS = 3
_LIMIT = 300.0
_TEXT = "red summer dress"


def medians(tasks: dict[str, Task], turns: int) -> dict[str, float | str]:
    """Run each task once a turn; return median seconds, or for one that failed the reason."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    failed: dict[str, float | str] = {}
    for _ in range(turns):
        for name, task in tasks.items():
            if name in failed:
                continue
            task.clear()
            try:
                spent = timed(
                    task.command, limit=_LIMIT, folder=task.folder, variables=task.variables
                )
            except RuntimeError as error:
                failed[name] = str(error)
                continue
            seconds[name].append(spent)
    return {name: failed.get(name) or statistics.median(seconds[name]) for name in tasks}


def indexing(setup: Setup) -> Iterator[Figure]:
    """Index the same photos with the same weights by every program, as whole processes."""
    photos = _photos(setup)
    number = setup.effort.peer_pictures
    index = setup.folder / "ours"
    name = model_name(MODEL, setup.cache)
    tasks = {"ours": ours(name, photos, index)}
    for peer, make in PEERS.items():
        try:
            tasks[peer] = make(setup, photos, setup.folder / f"{peer}.npy")
        except RuntimeError as error:
            yield NotMeasured(f"index_600_to_{peer}", str(error))
    # The first use of a model may convert it, which later ones do not.
    medians({"ours": tasks["ours"]}, 1)
    found = medians(tasks, min(_TURNS, setup.effort.rounds))
    mine = found.pop("ours")
    if isinstance(mine, str):
        yield from (NotMeasured(f"index_600_to_{peer}", f"our build: {mine}") for peer in found)
        return
    for peer, theirs in found.items():
        if isinstance(theirs, str):
            yield NotMeasured(f"index_600_to_{peer}", theirs)
            continue
        note = f"{theirs:.1f} s against our {mine:.1f} s"
        yield Measure(f"index_600_to_{peer}", theirs / mine, INDEX_TARGETS[peer], note=note)
        yield Measure(f"index_600_{peer}_per_second", number / theirs)
    yield Measure("index_600_ours_per_second", number / mine)


def searching(setup: Setup) -> Iterator[Figure]:
    """Search the same photos for a text, as whole processes on a warm disk."""
    photos = _photos(setup)
    tasks: dict[str, Task] = {}
    for key in SEARCH_TARGETS:
        index = setup.folder / f"index-{key}"
        build = ours(model_name(key, setup.cache), photos, index)
        build.clear()
        timed(build.command, limit=_LIMIT)
        command = [*LOOKALIKE, "search", _TEXT, "--index", str(index), "--json"]
        tasks[key] = Task(command, variables={})
    problem = _add_rclip(setup, photos, tasks)
    medians(tasks, 1)
    found = medians(tasks, setup.effort.searches)
    theirs = problem or found["rclip"]
    for key, target in SEARCH_TARGETS.items():
        name, mine = f"search_{key}_time_to_rclip", found[key]
        if isinstance(mine, str) or isinstance(theirs, str):
            yield NotMeasured(name, str(mine if isinstance(mine, str) else theirs))
        else:
            yield Measure(name, mine / theirs, target, "lower")
        if not isinstance(mine, str):
            yield Measure(f"search_{key}_seconds", mine, None, "lower")
    if not isinstance(theirs, str):
        yield Measure("search_rclip_seconds", theirs, None, "lower")


def _add_rclip(setup: Setup, photos: Path, tasks: dict[str, Task]) -> str:
    """Let rclip index the photos, and add its search; return why it can't, if so."""
    try:
        index = PEERS["rclip"](setup, photos, setup.folder)
        index.clear()
        timed(index.command, limit=_LIMIT, folder=index.folder, variables=index.variables)
        tasks["rclip"] = rclip_search(setup, photos, _TEXT)
    except RuntimeError as error:
        return str(error)
    return ""


def _photos(setup: Setup) -> Path:
    folder = setup.folder / "photos"
    if not folder.exists():
        write_folder(folder, peer_photos(setup.data, setup.effort.peer_pictures))
    return folder
