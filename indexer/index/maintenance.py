"""Looking after an index folder: verifying, rolling back and pruning generations."""

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

# float16 components round a unit vector's length by less than this at any dimension we store.
_UNIT_TOLERANCE = 0.01

_ROWS = 65_536


@dataclass(frozen=True)
class GenerationReport:
    """Whether a generation is intact, and if not, what is wrong with it."""

    generation: int
    live: bool
    intact: bool
    problem: str | None = None


def verify(path: Path) -> list[GenerationReport]:
    """Check every generation on disk, newest first.

    Every file's SHA-256, the row counts and dimensions, and that vectors are finite and of
    length 1.

    Raises:
        NoIndexError: If nothing was ever published there.
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
        to: Which generation; by default the one that was live before this one was published.

    Returns:
        The generation that is live now.

    Raises:
        IndexFolderError: There is no such generation, or it is damaged.
        IndexLockedError: Another process is writing this index.
    """
    layout = Layout(path)
    target = _former(layout) if to is None else to
    with hold_write_lock(layout):
        Index.open(path, target)
        make_live(layout, target)
    return target


def _former(layout: Layout) -> int:
    """The generation that was live before the live one."""
    live = live_generation(layout)
    older = [generation for generation in generations(layout) if generation < live]
    if not older:
        raise IndexFolderError(f"There is no generation before {live} to go back to.")
    try:
        former = read_manifest(layout, live).replaces
    except DamagedIndexError:
        former = None
    # Not simply the newest: a build that was killed just before it made its generation live leaves
    # one that never was.
    return former if former in older else older[0]


def prune(path: Path, keep: int = 1) -> list[int]:
    """Delete old generations, and the segments that only they use.

    Args:
        path: The index folder.
        keep: How many generations stay, from 1: the live one, then the newest before it.

    Returns:
        The generations deleted. Newer ones than the live one (from before a rollback) are among
        them.

    Raises:
        DamagedIndexError: `CURRENT` or the live generation is damaged; nothing is deleted then.
        IndexLockedError: Another process is writing this index.
    """
    layout = Layout(path)
    with hold_write_lock(layout):
        live = live_generation(layout)
        Index.open(path, live)
        kept = [live, *(found for found in generations(layout) if found < live)][:keep]
        doomed = [found for found in generations(layout) if found not in kept]
        # Manifests first: a crash between the two leaves segments that nobody names, which the
        # next build or prune removes.
        for generation in doomed:
            layout.manifest(generation).unlink()
        if doomed:
            sync_folder(layout.manifests)
        remove_orphans(layout)
    return doomed


def _check_vectors(index: Index) -> None:
    both = [(s, vectors) for s in index.segments for vectors in (s.vectors, s.searched)]
    for segment, vectors in both:
        for start in range(0, len(vectors), _ROWS):
            rows = np.asarray(vectors[start : start + _ROWS], dtype=np.float32)
            # NaN fails the comparison too.
            if not (np.abs(np.linalg.norm(rows, axis=1) - 1) < _UNIT_TOLERANCE).all():
                raise DamagedIndexError(
                    f"Segment {segment.record.id} holds vectors that are not finite and of "
                    "length 1."
                )
