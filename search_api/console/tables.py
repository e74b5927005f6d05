"""Results of the `lookalike` command as text and tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from embeddings import ModelSpec
from search_api.console.console import for_terminal, note, out

if TYPE_CHECKING:
    from embeddings import Tag
    from indexer.build import AdaptReport, BuildReport, MergeReport, RetagReport
    from indexer.index import GenerationReport, HitColour, Match
    from indexer.quality import DuplicateReport
    from indexer.search import SearchResult
    from indexer.tagging import ExampleReport

__all__ = [
    "print_adapt",
    "print_build",
    "print_duplicates",
    "print_examples",
    "print_facts",
    "print_generations",
    "print_grouped_tags",
    "print_hits",
    "print_merge",
    "print_models",
    "print_retag",
    "print_tags",
]

# Unknown values and unusable rows that are listed; the rest is counted.
_LISTED = 5
# Characters of an unknown value.
_WORD_WIDTH = 40


def print_build(report: BuildReport, index: Path) -> None:
    """Print what a build did."""
    state = "published" if report.published else "unchanged, nothing to publish"
    out.print(
        f"[bold]Generation {report.generation}[/] {state}: {report.products:,} products, "
        f"{report.images:,} images"
    )
    out.print(
        f"{report.embedded:,} embedded ({report.images_per_second:,.0f} per second), "
        f"{report.reused:,} reused, {report.seconds:.1f} s in total"
    )
    if report.embedded:
        shares = sorted(report.stages.items(), key=lambda item: -item[1])
        out.print("Time: " + ", ".join(f"{share:.0%} {stage}" for stage, share in shares))
    if report.published:
        out.print(
            f"{report.added:,} products added, {report.changed:,} changed, "
            f"{report.removed:,} removed"
        )
    if report.titles:
        out.print(f"{report.titles:,} titles embedded")
    for line in report.notes:
        out.print(escape(line), style="dim")
    if report.quarantined:
        out.print(
            f"[yellow]{report.quarantined:,} in quarantine[/]: see "
            f"{escape(str(index / 'quarantine.jsonl'))}"
        )
        for reason, count in report.reasons.items():
            out.print(f"  {count:,} {reason}")


def print_merge(report: MergeReport) -> None:
    """Print what a merge did."""
    if not report.merged:
        out.print(f"Nothing to merge: generation {report.generation} is a single segment already.")
        return
    out.print(
        f"[bold]Generation {report.generation}[/] published: {report.merged} segments merged "
        f"into one: {report.products:,} products, {report.images:,} images ({report.kind})"
    )


def print_adapt(report: AdaptReport) -> None:
    """Print what an index learned, and what that changes on products that were left out."""
    out.print(f"[bold]Generation {report.generation}[/] published in {report.seconds:.1f} s")
    if not report.adapted:
        out.print(f"Not adapted to the catalog: {escape(report.reason)}")
    else:
        fields = escape(", ".join(report.learned_from))
        out.print(f"Adapted to the catalog, from {fields} of {report.products:,} products")
    for name, (before, after, queries) in report.gains.items():
        out.print(f"  {escape(name)}  {before:.2f} -> {after:.2f}  [dim]{queries:,} queries[/]")


def print_retag(report: RetagReport) -> None:
    """Print what retagging did."""
    if report.taxonomy is None:
        out.print(f"[bold]Generation {report.generation}[/] published, without tags")
        return
    out.print(
        f"[bold]Generation {report.generation}[/] published: {report.products:,} products tagged "
        f"with {escape(report.taxonomy)} in {report.seconds:.1f} s"
    )
    for name, count in report.tagged.items():
        share = count / max(1, report.products)
        out.print(f"{share:>6.0%} have a label in {escape(name)}")


def print_duplicates(report: DuplicateReport, limit: int) -> None:
    """Print groups of images that are the same image, one member per line."""
    for group in report.groups[:limit]:
        out.print(f"[bold]{group.products} products, one image[/]")
        for member in group.members:
            first = member is group.members[0]
            how = "" if first else member.likeness.words
            how += ", mirrored" if member.mirrored else ""
            how += ", cropped" if member.cropped else ""
            which = f" image {member.picture + 1}" if member.picture else ""
            title = for_terminal(member.title) if member.title else ""
            out.print(f"  {for_terminal(member.id)}{which}  {title}  [dim]{how}[/]", soft_wrap=True)
    more = len(report.groups) - limit
    if more > 0:
        note(f"and {more:,} more groups: --limit {len(report.groups)} shows all")
    if not report.by_pixels and report.level != "exact":
        note(
            "The index has no thumbnails, so images were compared by their vectors alone; cropped "
            "and mirrored copies were not searched."
        )
    groups = len(report.groups)
    note(f"{groups:,} group(s) among {report.pictures:,} images of {report.products:,} products")


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one pair per line."""
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        text = str(value)
        if isinstance(value, dict):
            text = ", ".join(f"{key} ({item})" for key, item in value.items())
        table.add_row(f"[bold]{escape(name)}[/]", escape(text))
    out.print(table)


def print_generations(reports: Sequence[GenerationReport]) -> None:
    """Print the state of every generation, newest first."""
    for report in reports:
        state = "[green]intact[/]" if report.intact else f"[red]{escape(report.problem or '')}[/]"
        out.print(f"{report.generation:>6}{' live' if report.live else '     '}  {state}")


def print_hits(result: SearchResult, title: str | None = None) -> None:
    """Print the hits of a search as a table; where nothing matches, the nearest below a line."""
    if result.no_match:
        out.print("[bold]Nothing matches.[/]")
        if result.suggestions:
            out.rule("the nearest all the same", style="dim", align="left")
    hits = result.suggestions if result.no_match else result.hits
    if hits or not result.no_match:
        out.print(_hit_table(hits, title))
    if result.colour is not None and result.colour.hex is not None:
        note(f"nearest to {result.colour.name or 'the colour'}: {result.colour.hex}")
    if result.understood is not None and result.understood.excluded:
        kept = f'"{result.understood.kept}"' if result.understood.kept else "anything"
        excluded = ", ".join(f'"{words}"' for words in result.understood.excluded)
        note(for_terminal(f"searched for {kept} without {excluded}"))
    if title is None:
        least = "" if result.exact else "at least "
        matching = f", {least}{result.total:,} matching" if result.hits else ""
        note(
            f"{len(result.hits)} hits{matching}, in {result.took_ms:.0f} ms, "
            f"generation {result.generation}"
        )


def _hit_table(hits: Sequence[Match], title: str | None) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", box=None)
    table.add_column("#", justify="right", style="dim")
    table.add_column("score", justify="right")
    table.add_column("confidence", justify="right")
    table.add_column("id")
    table.add_column("product")
    coloured = any(hit.colours for hit in hits)
    if coloured:
        table.add_column("colours")
    for rank, hit in enumerate(hits, start=1):
        confidence = "-" if hit.confidence is None else f"{hit.confidence:.0%}"
        product = for_terminal(_description(hit.fields))
        score = "-" if isnan(hit.score) else f"{hit.score:.3f}"
        cells = [", ".join(map(_shown, hit.colours))] if coloured else []
        table.add_row(f"{rank}", score, confidence, for_terminal(hit.id), product, *cells)
    return table


def _shown(colour: HitColour) -> str:
    """Return a colour of a hit as a coloured square with words; only large ones are of use."""
    return f"[{colour.colour}]■[/] {escape(colour.name)} {colour.share:.0%}"


def print_tags(paths: Sequence[Path], tagged: Sequence[Sequence[Tag]]) -> None:
    """Print one table of tags for each image."""
    for path, tags in zip(paths, tagged, strict=True):
        table = Table(show_header=False, box=None)
        for tag in tags:
            table.add_row(for_terminal(tag.label), f"{tag.confidence:.0%}")
        # A table's title would be wrapped to the table's width.
        out.print(for_terminal(str(path)), style="bold", soft_wrap=True)
        out.print(table)


def print_grouped_tags(
    paths: Sequence[Path], tagged: Sequence[Sequence[Tag]], groups: Sequence[str]
) -> None:
    """Print one table for each image, one row for each group; a dash where no label is given."""
    for path, tags in zip(paths, tagged, strict=True):
        table = Table(show_header=False, box=None)
        table.add_column(style="dim")
        table.add_column()
        for group in groups:
            labels = ", ".join(
                f"{for_terminal(tag.label)} {tag.confidence:.0%}"
                for tag in tags
                if tag.group == group
            )
            table.add_row(for_terminal(group), labels or "-")
        # A table's title would be wrapped to the table's width.
        out.print(for_terminal(str(path)), style="bold", soft_wrap=True)
        out.print(table)


def print_examples(report: ExampleReport) -> None:
    """Print what labelled examples hold: labels per group, unknown values, unusable rows."""
    table = Table(header_style="bold", box=None)
    for heading in ("group", "images", "not in the taxonomy"):
        table.add_column(heading)
    for group, images in report.labelled.items():
        unknown = list(report.unknown[group].items())
        words = ", ".join(
            f"{for_terminal(word, _WORD_WIDTH)} ({count})" for word, count in unknown[:_LISTED]
        )
        more = f" and {len(unknown) - _LISTED} more" if len(unknown) > _LISTED else ""
        table.add_row(for_terminal(group), f"{images:,}", words + more or "-")
    out.print(table)
    for line, problem in report.bad[:_LISTED]:
        note(f"line {line}: {problem}")
    if len(report.bad) > _LISTED:
        note(f"and {len(report.bad) - _LISTED} more rows that could not be used")


def print_models(models: Sequence[ModelSpec]) -> None:
    """Print models as a table."""
    table = Table(header_style="bold", box=None)
    for heading in ("model", "download", "dimensions", "for"):
        table.add_column(heading)
    for spec in models:
        download = f"{spec.download_mb} MB" if spec.download_mb else "none"
        table.add_row(spec.name, download, str(spec.dim), spec.summary)
    out.print(table)
    note("Also: any ARCHITECTURE/PRETRAINED of open_clip, hf-hub:ORG/NAME, local-dir:PATH")


def _description(fields: Mapping[str, Any]) -> str:
    from indexer.catalog import stored_title

    title = stored_title(fields)
    return title if title is not None else ", ".join(str(value) for value in fields.values())
