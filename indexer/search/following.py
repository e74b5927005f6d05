"""The generation that is served: the live one, or while that is damaged an intact one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

from embeddings import EncoderSpec
from indexer.calibration import Confidence, confidence_from_json
from indexer.errors import DamagedIndexError, IndexFolderError
from indexer.index import Damage, GenerationWatch, Index
from indexer.storage import FileState, Layout, generations, live_generation, read_manifest

__all__ = ["DamageReport", "Followed", "Generation"]


@dataclass(frozen=True)
class Generation:
    """An opened generation and its confidence calibration (None in indexes of older versions)."""

    index: Index
    confidence: Confidence | None

    @classmethod
    def of(cls, index: Index) -> Generation:
        """Read the calibration of an opened index.

        Raises:
            DamagedIndexError: It is damaged.
        """
        try:
            return cls(index, confidence_from_json(index.manifest.confidence))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedIndexError(
                f"The confidence calibration of generation {index.manifest.generation} is "
                "damaged. Build the index again."
            ) from error


@dataclass(frozen=True)
class DamageReport:
    """Damage of the generation that should be served.

    Attributes:
        generation: That generation.
        problem: What is wrong with it.
        answers: Whether queries can be answered: by another generation, or from memory.
    """

    generation: int
    problem: str
    answers: bool = True


@dataclass(frozen=True)
class _Refused:
    """A generation that could not be used: its manifest, and the state of what it names."""

    manifest: bytes
    states: tuple[FileState | None, ...]


class Followed:
    """The generation of an index folder that is served; safe for several threads.

    Args:
        index: An opened generation of the folder.
        spec: The encoder that must have built every generation.
        path: The folder; None for an index that never changes.

    Attributes:
        damage: What is wrong with the generation that should be served; None if nothing is.
    """

    def __init__(self, index: Index, spec: EncoderSpec, path: Path | None) -> None:
        self._spec = spec
        self._layout = None if path is None else Layout(path)
        self._refused: _Refused | None = None
        self.damage: DamageReport | None = None
        self._lock = Lock()
        # What was found in the present generation.
        self._found: Damage | None = None
        self._watch: GenerationWatch | None = None
        self._serve(Generation.of(index))

    @property
    def current(self) -> Generation:
        """The generation that is served.

        Raises:
            DamagedIndexError: Its files were changed while they were in use, and no other
                generation is intact.
        """
        if self.damage is not None and not self.damage.answers:
            raise DamagedIndexError(
                "The index is damaged, and no other generation of it is intact. Restore its "
                "folder from a backup, or build it again."
            )
        return self._current

    @property
    def opened(self) -> Generation:
        """The generation that is open, damaged or not."""
        return self._current

    def refresh(self, scrub_bytes: int = 0) -> bool:
        """Leave the generation if it is damaged, and move to the live one if that is another.

        Args:
            scrub_bytes: How much of the files to hash again; see `GenerationWatch.scrub`.

        Returns:
            Whether another generation is served now.
        """
        if self._layout is None or self._watch is None:
            return False
        with self._lock:
            found = self._watch.check() or self._watch.scrub(scrub_bytes)
            before, self._found = self._found, found
            if self._follow(self._layout):
                return True
            if found is not None:
                return self._leave_damaged(self._layout, found)
            if before is not None:
                self._found = before  # not shared with what is opened now
                return self._reopen(self._layout, self._current.index.manifest.generation)
            return False

    def _serve(self, generation: Generation) -> None:
        self._current = generation
        self._found = None
        self._watch = (
            None if self._layout is None else GenerationWatch(self._layout, generation.index)
        )

    def _open(self, layout: Layout, number: int) -> Generation:
        """Open a generation of this encoder; what it shares with the current one is not read again.

        Raises:
            IndexFolderError: It can't be used.
        """
        present = self._current.index
        damaged = frozenset() if self._found is None else self._found.segments
        sound = [segment for segment in present.segments if segment.record.id not in damaged]
        previous = Index(present.manifest, sound)
        index = Index.open(layout.root, number, previous=previous)
        index.check_encoder(self._spec)
        return Generation.of(index)

    def _leave_damaged(self, layout: Layout, damage: Damage) -> bool:
        present, known = self._current.index.manifest, self.damage
        for number in _others(layout, present.generation):
            try:
                generation = self._open(layout, number)
            except IndexFolderError:
                continue
            report = known or DamageReport(present.generation, damage.problem)
            self.damage = replace(report, answers=True)
            self._refused = _refusal(layout, report.generation)
            self._serve(generation)
            _log().error(
                "generation is damaged, serving another one",
                generation=present.generation,
                problem=damage.problem,
                serving=number,
            )
            return True
        self.damage = DamageReport(present.generation, damage.problem, not damage.spoiled)
        if known != self.damage:
            _log().error(
                "generation is damaged, and no other one is intact",
                generation=present.generation,
                problem=damage.problem,
                served_from_memory=self.damage.answers,
            )
        return False

    def _reopen(self, layout: Layout, number: int) -> bool:
        """Open a generation again whose files were restored; what is open may be of former ones."""
        try:
            generation = self._open(layout, number)
        except IndexFolderError:
            return False
        self.damage = None
        self._serve(generation)
        _log().warning("generation is intact again", generation=number)
        return True

    def _follow(self, layout: Layout) -> bool:
        try:
            live = live_generation(layout)
        except IndexFolderError:
            return False  # a build may be publishing now; the next call sees its result
        if self._refused is not None and self._refused == _refusal(layout, live, self._refused):
            return False
        try:
            # The number is not enough: after a rollback and a prune it is used again.
            if read_manifest(layout, live) == self._current.index.manifest:
                return False
            generation = self._open(layout, live)
        except IndexFolderError as error:
            self._refused = _refusal(layout, live)
            if isinstance(error, DamagedIndexError):
                self.damage = DamageReport(live, error.message, self._answers)
            _log().warning("new generation refused", generation=live, problem=error.message)
            return False
        self._refused = self.damage = None
        self._serve(generation)
        _log().info("moved to a new generation", generation=live)
        return True

    @property
    def _answers(self) -> bool:
        return self.damage is None or self.damage.answers


def _others(layout: Layout, generation: int) -> Iterator[int]:
    """Yield the generations to fall back to, the live one first, then the newest."""
    try:
        live = [live_generation(layout)]
    except IndexFolderError:
        live = []
    for number in dict.fromkeys([*live, *generations(layout)]):
        if number != generation:
            yield number


def _refusal(layout: Layout, number: int, known: _Refused | None = None) -> _Refused | None:
    """Describe a generation as it is on disk, so that it is tried again once that changes."""
    try:
        written = layout.manifest(number).read_bytes()
    except OSError:
        return None
    if known is not None and known.manifest != written:
        return None
    try:
        manifest = read_manifest(layout, number)
    except DamagedIndexError:
        return _Refused(written, ())
    paths = [
        layout.segment(segment.id).root / name
        for segment in manifest.segments
        for name in segment.files
    ]
    paths += [layout.tags / name for name in sorted(manifest.tag_files)]
    return _Refused(written, tuple(FileState.of(path) for path in paths))


def _log() -> Any:
    import structlog  # takes as long to import as numpy

    return structlog.get_logger(__name__)
