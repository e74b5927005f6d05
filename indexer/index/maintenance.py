"""Maintenance of an index folder: verification, rollback and pruning of generations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.errors import DamagedIndexError, IndexFolderError
from indexer.index.index import Index
from indexer.storage import (
    Layout,
    generations,
    hold_write_lock,
    live_generation,
    make_live,
    read_manifest,
    remove_orphans,
    sync_folder,
)

__all__ = ["GenerationReport", "prune", "rollback", "verify"]

# The length of a unit vector of float16 components differs from 1 by less than this.
_UNIT_TOLERANCE = 0.01
# Vectors checked at a time, so that memory stays bounded.
_ROWS = 65_536


@dataclass(frozen=True)
class GenerationReport:
    """Whether a generation is intact; if not, the problem."""

    generation: int
    live: bool
    intact: bool
    problem: str | None = None


def verify(path: Path) -> list[GenerationReport]:
    """Check every generation on disk, newest first.

    Checked are every file's SHA-256, the row counts and dimensions, and that vectors are finite and
    of length 1.

    Raises:
        NoIndexError: Nothing was ever published there.
    """
    layout = Layout(path)
    try:
        live: int | None = live_generation(layout)
    except DamagedIndexError:
        live = None
    reports = []
    for generation in generations(layout):
        problem = None
        try:
            _check_vectors(Index.open(path, generation))
        except DamagedIndexError as error:
            problem = error.message
        reports.append(GenerationReport(generation, generation == live, problem is None, problem))
    return reports


def rollback(path: Path, to: int | None = None) -> int:
    """Make an older generation live again, in one step.

    Args:
        path: The index folder.
        to: The generation; by default the one that was live before the live one was published.

    Returns:
        The generation that is live now.

    Raises:
        IndexFolderError: There is no such generation, or it is damaged.
        IndexLockedError: Another process is writing this index.
    """
    layout = Layout(path)
    target = _previous_live(layout) if to is None else to
    with hold_write_lock(layout):
        Index.open(path, target)
        make_live(layout, target)
    return target


def _previous_live(layout: Layout) -> int:
    """Return the generation that was live before the live one."""
    live = live_generation(layout)
    older = [generation for generation in generations(layout) if generation < live]
    if not older:
        raise IndexFolderError(f"There is no generation before {live} to go back to.")
    try:
        previous = read_manifest(layout, live).replaces
    except DamagedIndexError:
        previous = None
    # The newest is only a fallback: a build that was killed just before it made its generation live
    # leaves one that never was live.
    return previous if previous in older else older[0]


def prune(path: Path, keep: int = 1) -> list[int]:
    """Delete old generations, and the segments that only they use.

    Args:
        path: The index folder.
        keep: How many generations are kept, from 1: the live one, then the newest before it.

    Returns:
        The generations deleted, among them those newer than the live one (from before a rollback).

    Raises:
        DamagedIndexError: `CURRENT` or the live generation is damaged; nothing is deleted then.
        IndexLockedError: Another process is writing this index.
    """
    layout = Layout(path)
    with hold_write_lock(layout):
        live = live_generation(layout)
        Index.open(path, live)
        kept = [live, *(found for found in generations(layout) if found < live)][:keep]
        deleted = [found for found in generations(layout) if found not in kept]
        # Manifests first: a crash between the two steps leaves segments that no manifest names,
        # which the next build or prune removes.
        for generation in deleted:
            layout.manifest(generation).unlink()
        if deleted:
            sync_folder(layout.manifests)
        remove_orphans(layout)
    return deleted


def _check_vectors(index: Index) -> None:
    both = [(s, vectors) for s in index.segments for vectors in (s.vectors, s.adapted, s.searched)]
    for segment, vectors in both:
        for start in range(0, len(vectors), _ROWS):
            rows = np.asarray(vectors[start : start + _ROWS], dtype=np.float32)
            # NaN fails the comparison too.
            if not (np.abs(np.linalg.norm(rows, axis=1) - 1) < _UNIT_TOLERANCE).all():
                raise DamagedIndexError(
                    f"Segment {segment.record.id} holds vectors that are not finite and of "
                    "length 1."
                )
