"""Watching of an opened generation's files: which of them were changed after they were verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.errors import DamagedIndexError
from indexer.index.index import Index
from indexer.storage import FileRecord, FileState, Layout, is_mapped, verify_file

__all__ = ["Damage", "GenerationWatch"]

_CHUNK = 2**20


@dataclass(frozen=True)
class Damage:
    """A file that is not as the manifest says.

    Attributes:
        problem: What happened to which file, for messages.
        segments: The segments that have such files.
        spoiled: Whether what was opened has changed with it. If not, it was read or mapped before,
            and answers are still right.
    """

    problem: str
    segments: frozenset[str]
    spoiled: bool


@dataclass
class _Watched:
    path: Path
    name: str
    record: FileRecord | None
    segment: str | None
    state: FileState | None
    damage: Damage | None = None


class GenerationWatch:
    """Compares the files of an opened generation with what was verified.

    A look at the state of a file costs microseconds. Only a file whose state has changed is hashed
    again. A scrub hashes all files, one after another, for damage that leaves no trace there.

    Args:
        layout: Of the index folder.
        index: The generation.
    """

    def __init__(self, layout: Layout, index: Index) -> None:
        self._files = list(_files_of(layout, index))
        self._scrub = self._scrubbing()

    def check(self) -> Damage | None:
        """Look at the state of every file, and return all damage as one, with one problem."""
        damages = [damage for watched in self._files if (damage := _look(watched)) is not None]
        if not damages:
            return None
        worst = max(damages, key=lambda damage: damage.spoiled)
        return replace(worst, segments=frozenset().union(*(each.segments for each in damages)))

    def scrub(self, size: int) -> Damage | None:
        """Hash the next `size` bytes of the files, in whole chunks; return damage where it is."""
        while size > 0:
            damage, done = next(self._scrub)
            if damage is not None:
                return damage
            size -= done
        return None

    def _scrubbing(self) -> Iterator[tuple[Damage | None, int]]:
        while True:
            yield None, 1  # a generation may have no files
            for watched in self._files:
                if watched.record is None or watched.damage is not None:
                    continue
                digest = hashlib.sha256()
                try:
                    with watched.path.open("rb") as file:
                        while chunk := file.read(_CHUNK):
                            digest.update(chunk)
                            yield None, len(chunk)
                except OSError:
                    continue  # `check` says so
                if digest.hexdigest() != watched.record.sha256:
                    # Once more: it may have been replaced meanwhile.
                    yield _examine(watched, FileState.of(watched.path)), _CHUNK


def _files_of(layout: Layout, index: Index) -> Iterator[_Watched]:
    manifest = index.manifest
    path = layout.manifest(manifest.generation)
    yield _Watched(path, f"manifests/{path.name}", None, None, FileState.of(path))
    for segment in index.segments:
        root, name = layout.segment(segment.record.id).root, segment.record.id
        for file, record in segment.record.files.items():
            state = segment.states.get(file)
            yield _Watched(root / file, f"{name}/{file}", record, name, state)
    tagging = manifest.tagging
    tags = [segment.record.tags for segment in index.segments]
    tags += [tagging.labels, tagging.fit] if tagging is not None else []
    for tag in tags:
        if tag is not None:
            path = layout.tags / tag.name
            yield _Watched(path, f"tags/{tag.name}", tag.record, None, FileState.of(path))


def _look(watched: _Watched) -> Damage | None:
    state = FileState.of(watched.path)
    if state == watched.state:
        return watched.damage
    return _examine(watched, state)


def _examine(watched: _Watched, state: FileState | None) -> Damage | None:
    """Compare the content of a file with the manifest, and remember the result for its state."""
    before = watched.damage
    same_file = (
        state is not None and watched.state is not None and state.inode == watched.state.inode
    )
    watched.damage = None
    if problem := _problem(watched, state):
        # A file that is spoiled and then removed stays spoiled in memory.
        spoiled = same_file and watched.record is not None and is_mapped(watched.record.bytes)
        spoiled = spoiled or (before is not None and before.spoiled)
        segments = frozenset(() if watched.segment is None else (watched.segment,))
        watched.damage = Damage(problem, segments, spoiled)
    watched.state = state
    return watched.damage


def _problem(watched: _Watched, state: FileState | None) -> str | None:
    if watched.record is None:  # the manifest, of which this generation's copy is in memory
        return None if state is not None else f"{watched.name} is missing or can't be read."
    try:
        verify_file(watched.path, watched.record, watched.name)
    except DamagedIndexError as error:
        return error.message
    return None
