"""Progress bars of the `lookalike` command, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from search_api.console.console import err, note

if TYPE_CHECKING:
    from embeddings import EncoderSpec
    from indexer.build import BuildProgress

__all__ = ["Bar", "BuildBar", "QueryBar", "StepBar"]

# A build on a CPU prints a warning if it is going to take longer than this, in seconds.
_LONG_BUILD = 300.0
# What holds a build up, by the name of the stage.
_LIMITED_BY = {
    "reading": ", held up by reading the catalog",
    "fetching": ", held up by fetching images",
    "decoding": ", held up by decoding images",
    "encoding": ", held up by the model",
    "writing": ", held up by writing",
}
# Seconds of building that are measured before the rest is estimated.
_MEASURED = 10.0


class Bar:
    """A progress bar, shown while the context lasts.

    Args:
        columns: Parts of the bar, from left to right.
        transient: Whether the bar disappears at the end.
    """

    def __init__(self, *columns: ProgressColumn, transient: bool = True) -> None:
        self._progress = Progress(*columns, console=err, transient=transient)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


class BuildBar(Bar):
    """A progress bar over the catalog rows of a build.

    Args:
        spec: The encoder that embeds; named in a note above the bar.
    """

    def __init__(self, spec: EncoderSpec) -> None:
        self._spec = spec
        self._warned = False
        self._first: BuildProgress | None = None
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            transient=False,
        )
        self._task = self._progress.add_task("Indexing", total=None, rate="")

    def __enter__(self) -> Self:
        spec = self._spec
        where = spec.runtime if spec.device == "cpu" else f"{spec.runtime} ({spec.device})"
        note(f"{spec.name} on {where}, {spec.precision}")
        return super().__enter__()

    def update(self, progress: BuildProgress) -> None:
        """Show the build's progress."""
        rate = progress.embedded / max(progress.seconds, 1e-9)
        limit = _LIMITED_BY.get(progress.bottleneck, "") if progress.stage == "reading" else ""
        self._progress.update(
            self._task,
            description="Indexing" if progress.stage == "reading" else "Writing",
            completed=progress.rows,
            total=progress.total,
            rate=f"{rate:,.0f} img/s{limit}",
        )
        self._warn_if_long(progress)

    def _warn_if_long(self, progress: BuildProgress) -> None:
        if self._warned or self._spec.device != "cpu" or not progress.total:
            return
        if self._first is None:
            self._first = progress
        # Measured from the first report on, since the decoding processes take a while to start.
        seconds = progress.seconds - self._first.seconds
        rows = progress.rows - self._first.rows
        if seconds < _MEASURED or not rows:
            return
        self._warned = True
        remaining = (progress.total - progress.rows) * seconds / rows
        if remaining > _LONG_BUILD:
            note(f"No GPU found: the build takes about {remaining / 60:.0f} minutes on this CPU.")


class StepBar(Bar):
    """A progress bar over the steps of one examination of an index."""

    def __init__(self) -> None:
        super().__init__(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._task = self._progress.add_task("Opening", total=None)

    def update(self, step: str, done: int, total: int) -> None:
        """Show the current step and its progress."""
        self._progress.update(self._task, description=step, completed=done, total=total)


class QueryBar(Bar):
    """A progress bar over the queries of an evaluation."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("Evaluating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        )
        self._task = self._progress.add_task("", total=None)

    def update(self, done: int, total: int) -> None:
        """Show how many queries are done."""
        self._progress.update(self._task, completed=done, total=total)
