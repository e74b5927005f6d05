"""Trials: an operation is killed, sometimes again while it recovers, and the index is judged."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer import IndexFolderError, NoIndexError
from indexer.index import Index, verify
from indexer.storage import Layout, live_generation
from scripts.crashes.catalogs import CatalogMaker, Colour, Content, write_catalog
from scripts.crashes.judge import judge, on_disk
from scripts.crashes.worker import Moment, Operation, Outcome, run

__all__ = ["Tally", "kill_writers"]

_TRIALS = 2
# Shares of trials in which recovery is killed too, and in which a kill is at a point.
_AGAIN = 0.3
_AT_POINT = 0.6


@dataclass
class Tally:
    """Counts of all trials; all but the kills must stay 0.

    Attributes:
        kills: By operation; `recovery` counts those of an operation that was killed before.
        lost: Products missing from an index.
        phantom: Products in an index that no complete state has.
        double: Ids that are in an index twice.
        failed_opens: Indexes that could not be opened, though something was published.
        embedded_again: Images embedded though they were safe before a kill.
        failed_reruns: Operations that failed when run again.
        damaged: Damaged generations, live after a kill or there at the end.
        left_over: Indexes with an unfinished build in them at the end.
        problems: What went wrong, in words.
    """

    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    phantom: int = 0
    double: int = 0
    failed_opens: int = 0
    embedded_again: int = 0
    failed_reruns: int = 0
    damaged: int = 0
    left_over: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    """An operation, and what the index holds before and after it (None for no index)."""

    operation: Operation
    before: Content | None
    after: Content


def kill_writers(folder: Path, kills: int, seed: int) -> Tally:
    """Kill writers of indexes in an empty folder; the seed chooses which, and roughly when."""
    rng = random.Random(seed)
    tally = Tally()
    while tally.kills.total() < kills:
        _Lifetime(folder, rng, tally, kills).run()
        shutil.rmtree(folder)
        if tally.problems:  # more would follow from the first ones
            break
    return tally


class _Lifetime:
    """One index, from its first build through every kind of operation."""

    def __init__(self, folder: Path, rng: random.Random, tally: Tally, kills: int) -> None:
        self._folder = folder
        self._index = folder / "index"
        self._saved = folder / "saved"
        self._catalog = folder / "catalog"
        self._rng = rng
        self._tally = tally
        self._kills = kills
        self._maker = CatalogMaker(rng)
        self._contents: dict[int, Content] = {}

    def run(self) -> None:
        """Try all operations, until enough writers are killed."""
        for step in self._steps():
            self._try(step)
            if self._enough or self._tally.problems:
                break
        self._check_end()

    def _steps(self) -> Iterator[_Step]:
        """Yield all operations; each is chosen when the one before is done."""
        content = self._maker.first()
        yield self._build("build", None, content)
        content, former = self._maker.changed(content), content
        yield self._build("update", former, content)
        yield self._retag("first", content)
        yield self._other("merge", content)
        some = self._maker.some_changed(content)
        content, former = {**content, **some}, content
        yield self._build("update", former, content, listed=some)
        yield self._other("prune", content)
        content, former = self._maker.fewer(content), content
        yield self._build("update", former, content)
        yield self._retag("second", content)
        yield self._other("merge", content)
        generation = self._rng.choice(on_disk(self._index)[:-1])
        content, former = self._contents[generation], content
        yield replace(self._other("rollback", former, generation), after=content)
        content, former = self._maker.changed(content), content
        yield self._build("update", former, content)
        yield self._other("prune", content)

    def _build(
        self, name: str, before: Content | None, after: Content, listed: Content | None = None
    ) -> _Step:
        catalog = write_catalog(self._catalog, after if listed is None else listed)
        operation = Operation(name, self._index, catalog, keep_missing=listed is not None)
        return _Step(operation, before, after)

    def _other(self, name: str, content: Content, generation: int = 0) -> _Step:
        operation = Operation(name, self._index, self._catalog, generation=generation)
        return _Step(operation, content, content)

    def _retag(self, taxonomy: str, content: Content) -> _Step:
        operation = Operation("retag", self._index, self._catalog, taxonomy=taxonomy)
        return _Step(operation, content, content)

    def _try(self, step: _Step) -> None:
        """Run an operation once to count its points, then kill it several times."""
        _copy(self._index, self._saved)
        rehearsal = self._folder / "rehearsal"
        _copy(self._saved, rehearsal)
        rehearsed = run(replace(step.operation, index=rehearsal))
        if rehearsed.error is not None:
            self._problem(step, f"the rehearsal failed: {rehearsed.error}")
            self._tally.failed_reruns += 1
            return
        found = self._contents
        for _ in range(_TRIALS):
            if not self._enough:
                _copy(self._saved, self._index)
                found = self._trial(step, rehearsed)
        self._contents = found

    @property
    def _enough(self) -> bool:
        return self._tally.kills.total() >= self._kills

    def _trial(self, step: _Step, rehearsed: Outcome) -> dict[int, Content]:
        allowed: list[Content | None] = [step.before, step.after]
        safe: set[Colour] = set()
        for again in (False, True):
            if again and (self._enough or self._rng.random() >= _AGAIN):
                break
            outcome = run(step.operation, self._moment(rehearsed))
            self._check_embedded(step, outcome, safe)
            safe |= outcome.acknowledged
            if not outcome.killed:
                break
            self._tally.kills["recovery" if again else step.operation.name] += 1
            allowed = self._check(step, allowed)
        outcome = run(step.operation)
        if outcome.error is not None:
            self._problem(step, f"it failed when run again: {outcome.error}")
            self._tally.failed_reruns += 1
        self._check_embedded(step, outcome, safe)
        self._check(step, [step.after], done=True)
        return self._check_generations(step)

    def _moment(self, rehearsed: Outcome) -> Moment:
        if self._rng.random() < _AT_POINT:
            return Moment(point=self._rng.randint(1, rehearsed.points))
        return Moment(seconds=self._rng.uniform(0, rehearsed.seconds))

    def _check(
        self, step: _Step, allowed: list[Content | None], *, done: bool = False
    ) -> list[Content | None]:
        """Judge the index; return the contents that are allowed from now on.

        An index that has reached a content may not fall behind it any more.
        """
        try:
            index = Index.open(self._index)
        except IndexFolderError as error:
            if not (isinstance(error, NoIndexError) and None in allowed):
                self._problem(step, f"it could not be opened: {error}")
                self._tally.failed_opens += 1
            return allowed
        # Only the very first publication may be found half done: its manifest, and no CURRENT.
        half_done = step.before is None and not done
        if index.manifest.generation != _live(self._index) and not half_done:
            self._problem(step, "another generation than the live one serves")
            self._tally.damaged += 1
        contents = [content for content in allowed if content is not None]
        verdict = judge(index, contents)
        self._tally.lost += verdict.lost
        self._tally.phantom += verdict.phantom
        self._tally.double += verdict.double
        if verdict.wrong:
            self._problem(step, str(verdict))
        return [*contents[verdict.content :]]

    def _check_embedded(self, step: _Step, outcome: Outcome, safe: set[Colour]) -> None:
        known = safe | _colours(step.before or {})
        again = outcome.embedded & known
        self._tally.embedded_again += len(again)
        if again:
            self._problem(step, f"{len(again)} images were embedded again")

    def _check_generations(self, step: _Step) -> dict[int, Content]:
        """Judge every generation on disk: each is a former one, or the new one."""
        found = {}
        for generation in on_disk(self._index):
            expected = self._contents.get(generation, step.after)
            found[generation] = expected
            try:
                index = Index.open(self._index, generation)
            except IndexFolderError as error:
                self._problem(step, f"generation {generation}: {error}")
                self._tally.damaged += 1
                continue
            verdict = judge(index, [expected])
            self._tally.phantom += verdict.wrong
            if verdict.wrong:
                self._problem(step, f"generation {generation}: {verdict}")
        return found

    def _check_end(self) -> None:
        if not on_disk(self._index):
            return
        for report in verify(self._index):
            if not report.intact:
                self._tally.damaged += 1
                self._tally.problems.append(f"at the end: {report}")
        if Layout(self._index).staging.exists():
            self._tally.left_over += 1
            self._tally.problems.append("at the end: staging is left")

    def _problem(self, step: _Step, what: str) -> None:
        self._tally.problems.append(f"{step.operation.name}: {what}")


def _live(index: Path) -> int | None:
    try:
        return live_generation(Layout(index))
    except IndexFolderError:
        return None


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)


def _colours(content: Content) -> set[Colour]:
    return {image.colour for product in content.values() for image in product.images}
