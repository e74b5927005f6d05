"""What the command prints: tables and bars for people on a terminal, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from embeddings import ModelSpec

if TYPE_CHECKING:
    from embeddings import EncoderSpec, Tag
    from indexer.build import BuildProgress, BuildReport, MergeReport, RetagReport
    from indexer.index import GenerationReport
    from indexer.quality import DuplicateReport
    from indexer.search import SearchResult
    from indexer.tagging import ExampleReport

__all__ = [
    "Bar",
    "BuildBar",
    "StepBar",
    "build_summary",
    "error",
    "fail",
    "model_row",
    "note",
    "print_build",
    "print_duplicates",
    "print_examples",
    "print_facts",
    "print_generations",
    "print_grouped_tags",
    "print_hits",
    "print_json",
    "print_merge",
    "print_models",
    "print_retag",
    "print_tags",
    "say",
    "shown",
    "tag_summary",
    "waiting",
]

# Results go to standard output; everything said along the way goes to standard error.
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)

# A build on a CPU that will take longer than this says so, in seconds.
_LONG_BUILD = 300.0

# Seconds of building from which the rest is estimated.
_MEASURED = 10.0


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def note(message: str) -> None:
    """Say something along the way."""
    _err.print(escape(message), style="dim", soft_wrap=True)


def say(message: str) -> None:
    """Print a result in one line."""
    _out.print(escape(message), soft_wrap=True)


def error(message: str) -> None:
    """Say what went wrong, in one line."""
    _err.print(f"[bold red]error:[/] {escape(' '.join(message.split()))}", soft_wrap=True)


def fail(message: str) -> NoReturn:
    """End the command with a usage error."""
    error(message)
    raise typer.Exit(2)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner while something is under way."""
    with _err.status(f"{what} …"):
        yield


class Bar:
    """A progress bar on standard error for as long as the context lasts.

    Args:
        columns: What it shows.
        transient: Whether it goes away at the end.
    """

    def __init__(self, *columns: ProgressColumn, transient: bool = True) -> None:
        self._progress = Progress(*columns, console=_err, transient=transient)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


class BuildBar(Bar):
    """A progress bar over a build's catalog rows."""

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
        note(f"Model {spec.name} on {spec.device}, {spec.precision}")
        return super().__enter__()

    def update(self, progress: BuildProgress) -> None:
        """Show how far the build is."""
        rate = progress.embedded / max(progress.seconds, 1e-9)
        self._progress.update(
            self._task,
            description="Indexing" if progress.stage == "reading" else "Writing",
            completed=progress.rows,
            total=progress.total,
            rate=f"{rate:,.0f} img/s",
        )
        self._warn_if_long(progress)

    def _warn_if_long(self, progress: BuildProgress) -> None:
        if self._warned or self._spec.device != "cpu" or not progress.total:
            return
        if self._first is None:
            self._first = progress
        # Measured from the first report on, since starting the decoders takes a while.
        seconds = progress.seconds - self._first.seconds
        rows = progress.rows - self._first.rows
        if seconds < _MEASURED or not rows:
            return
        self._warned = True
        left = (progress.total - progress.rows) * seconds / rows
        if left > _LONG_BUILD:
            note(f"There is no GPU here: on this processor it takes about {left / 60:.0f} minutes.")


class StepBar(Bar):
    """A progress bar over the steps of something that goes through many pictures."""

    def __init__(self) -> None:
        super().__init__(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._task = self._progress.add_task("Opening", total=None)

    def update(self, what: str, done: int, total: int) -> None:
        """Show which step is under way, and how far it is."""
        self._progress.update(self._task, description=what, completed=done, total=total)


def build_summary(report: BuildReport, index: Path) -> dict[str, Any]:
    """A build's report for machines."""
    return {**asdict(report), "quarantine_file": str(index / "quarantine.jsonl")}


def print_build(report: BuildReport, index: Path) -> None:
    """A build's report for people."""
    state = "published" if report.published else "unchanged, nothing to publish"
    _out.print(f"[bold]Generation {report.generation}[/] {state}: {report.products:,} products, "
               f"{report.images:,} pictures")  # fmt: skip
    _out.print(
        f"{report.embedded:,} embedded ({report.images_per_second:,.0f} a second), "
        f"{report.reused:,} reused, {report.seconds:.1f} s in all"
    )
    if report.published:
        _out.print(
            f"{report.added:,} products added, {report.changed:,} changed, "
            f"{report.removed:,} removed"
        )
    if report.titles:
        _out.print(f"{report.titles:,} titles embedded")
    if report.quarantined:
        _out.print(
            f"[yellow]{report.quarantined:,} in quarantine[/]: see "
            f"{escape(str(index / 'quarantine.jsonl'))}"
        )
        for reason, count in report.reasons.items():
            _out.print(f"  {count:,} {reason}")


def print_merge(report: MergeReport) -> None:
    """A merge's report for people."""
    if not report.merged:
        _out.print(f"Nothing to merge: generation {report.generation} is one whole segment.")
        return
    _out.print(
        f"[bold]Generation {report.generation}[/] published: {report.merged} segments became one "
        f"of {report.products:,} products, {report.images:,} pictures ({report.kind})"
    )


def print_retag(report: RetagReport) -> None:
    """What retagging did, for people."""
    if report.taxonomy is None:
        _out.print(f"[bold]Generation {report.generation}[/] published, without tags")
        return
    _out.print(
        f"[bold]Generation {report.generation}[/] published: {report.products:,} products tagged "
        f"with {escape(report.taxonomy)} in {report.seconds:.1f} s"
    )
    for name, count in report.tagged.items():
        share = count / max(1, report.products)
        _out.print(f"{share:>6.0%} have a label in {escape(name)}")


def print_duplicates(report: DuplicateReport, limit: int) -> None:
    """Groups of pictures that are the same picture, one product a line."""
    for group in report.groups[:limit]:
        _out.print(f"[bold]{group.products} products, one picture[/]")
        for member in group.members:
            first = member is group.members[0]
            how = "" if first else member.likeness.words
            how += ", mirrored" if member.mirrored else ""
            how += ", cropped" if member.cropped else ""
            which = f" picture {member.picture + 1}" if member.picture else ""
            title = shown(member.title) if member.title else ""
            _out.print(f"  {shown(member.id)}{which}  {title}  [dim]{how}[/]", soft_wrap=True)
    more = len(report.groups) - limit
    if more > 0:
        note(f"and {more:,} more groups: --limit {len(report.groups)} shows all")
    if not report.by_pixels and report.level != "exact":
        note(
            "This index keeps no thumbnails: vectors alone decided, and crops and mirrored "
            "pictures are not looked for."
        )
    groups = len(report.groups)
    note(f"{groups:,} group(s) among {report.pictures:,} pictures of {report.products:,} products")


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        shown = (
            ", ".join(f"{k} ({v})" for k, v in value.items()) if isinstance(value, dict) else value
        )
        table.add_row(f"[bold]{escape(name)}[/]", escape(str(shown)))
    _out.print(table)


def print_generations(reports: Sequence[GenerationReport]) -> None:
    """The state of every generation, newest first."""
    for report in reports:
        state = "[green]intact[/]" if report.intact else f"[red]{escape(report.problem or '')}[/]"
        _out.print(f"{report.generation:>6}{' live' if report.live else '     '}  {state}")


def print_hits(result: SearchResult, title: str | None = None) -> None:
    """The hits of a search as a table."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None)
    table.add_column("#", justify="right", style="dim")
    table.add_column("score", justify="right")
    table.add_column("confidence", justify="right")
    table.add_column("id")
    table.add_column("product")
    for rank, hit in enumerate(result.hits, start=1):
        sure = "-" if hit.confidence is None else f"{hit.confidence:.0%}"
        product = shown(_describe(hit.fields))
        table.add_row(f"{rank}", f"{hit.score:.3f}", sure, shown(hit.id), product)
    _out.print(table)
    if title is None:
        note(f"{len(result.hits)} hits in {result.took_ms:.0f} ms, generation {result.generation}")


def tag_summary(
    paths: Sequence[Path], tagged: Sequence[Sequence[Tag]], model: str
) -> dict[str, Any]:
    """Tags of pictures for machines."""
    images = [
        {"image": str(path), "tags": [asdict(tag) for tag in tags]}
        for path, tags in zip(paths, tagged, strict=True)
    ]
    return {"images": images, "model": model}


def print_tags(paths: Sequence[Path], tagged: Sequence[Sequence[Tag]]) -> None:
    """Tags of pictures as a table for each."""
    for path, tags in zip(paths, tagged, strict=True):
        table = Table(show_header=False, box=None)
        for tag in tags:
            table.add_row(shown(tag.label), f"{tag.confidence:.0%}")
        # Not as the table's title, which would be folded to its width.
        _out.print(shown(str(path)), style="bold", soft_wrap=True)
        _out.print(table)


def print_grouped_tags(
    paths: Sequence[Path], tagged: Sequence[Sequence[Tag]], groups: Sequence[str]
) -> None:
    """Tags of pictures as a table for each, a row for each group; a dash where it says nothing."""
    for path, tags in zip(paths, tagged, strict=True):
        table = Table(show_header=False, box=None)
        table.add_column(style="dim")
        table.add_column()
        for group in groups:
            given = [
                f"{shown(tag.label)} {tag.confidence:.0%}" for tag in tags if tag.group == group
            ]
            table.add_row(shown(group), ", ".join(given) or "-")
        # Not as the table's title, which would be folded to its width.
        _out.print(shown(str(path)), style="bold", soft_wrap=True)
        _out.print(table)


def print_examples(report: ExampleReport) -> None:
    """What was read of labelled examples: a row for each group, and what is no label."""
    table = Table(header_style="bold", box=None)
    for heading in ("group", "pictures", "not in the taxonomy"):
        table.add_column(heading)
    for group, count in report.labelled.items():
        unknown = list(report.unknown[group].items())
        words = ", ".join(f"{shown(word, 40)} ({often})" for word, often in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        table.add_row(shown(group), f"{count:,}", words + more or "-")
    _out.print(table)
    for line, problem in report.bad[:5]:
        note(f"line {line}: {shown(problem)}")
    if len(report.bad) > 5:
        note(f"and {len(report.bad) - 5} more rows that could not be used")


def model_row(spec: ModelSpec) -> dict[str, Any]:
    """A recommended model for machines."""
    row = asdict(spec)
    row.pop("sha256")
    return row


def print_models(models: Sequence[ModelSpec]) -> None:
    """The recommended models as a table."""
    table = Table(header_style="bold", box=None)
    for heading in ("model", "download", "dimensions", "for"):
        table.add_column(heading)
    for spec in models:
        download = f"{spec.download_mb} MB" if spec.download_mb else "none"
        table.add_row(spec.name, download, str(spec.dim), spec.summary)
    _out.print(table)
    note("Also: any ARCHITECTURE/PRETRAINED of open_clip, hf-hub:ORG/NAME, local-dir:PATH")


def _describe(fields: Mapping[str, Any]) -> str:
    from indexer.catalog import title_of

    title = title_of(fields)
    return title if title is not None else ", ".join(str(value) for value in fields.values())


def shown(text: str, most: int = 200) -> str:
    """Catalog text for a terminal: no markup, no control characters, one line of bounded length."""
    plain = "".join(char if char.isprintable() else "�" for char in text[:most])
    return escape(plain)
