"""Evaluation results as text and tables, for `lookalike index evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from search_api.console.console import for_terminal, note, out

if TYPE_CHECKING:
    from indexer.evaluation import (
        Change,
        Comparison,
        Estimate,
        Evaluation,
        Figures,
        RankedHit,
        Side,
        Summary,
    )

__all__ = ["print_evaluation"]

# Changed queries that are shown; the page and the JSON have more.
_CHANGES = 10
# Characters of a query or title in a table.
_WIDTH = 60


def print_evaluation(evaluation: Evaluation) -> None:
    """Tables: figures overall, by kind and by category; what changed; what was left out."""
    this, other, comparison = evaluation.this, evaluation.other, evaluation.comparison
    _print_figures(_heading(this), this.figures)
    if other is not None and comparison is not None:
        _print_figures(f"compared with {_heading(other)}", other.figures)
        _print_figures("difference", comparison.differences, signed=True)
        _print_changes(comparison, this, other)
    _note_left_out(evaluation)


def _heading(side: Side) -> str:
    return f"{side.place}, generation {side.generation}, {side.index.manifest.encoder.name}"


def _print_figures(title: str, figures: Figures, *, signed: bool = False) -> None:
    table = Table(title=escape(title), title_justify="left", header_style="bold", box=None)
    table.add_column("")
    table.add_column("queries", justify="right")
    for name in figures.overall.metrics:
        table.add_column(name, justify="right", no_wrap=True)
    groups = [("all", {"all": figures.overall}), ("kind", figures.kinds)]
    groups.append(("category", figures.categories))
    for kind, rows in groups:
        if kind == "kind" and len(rows) < 2:
            continue
        _add_rows(table, rows, signed=signed)
    out.print(table)


def _add_rows(table: Table, rows: Mapping[str, Summary], *, signed: bool) -> None:
    for name, group in rows.items():
        cells = [_estimate(estimate, signed=signed) for estimate in group.metrics.values()]
        table.add_row(for_terminal(name, _WIDTH), f"{group.queries:,}", *cells)
    table.add_section()


def _estimate(estimate: Estimate, *, signed: bool) -> str:
    value = f"{estimate.value:{'+' if signed else ''}.3f}"
    told = signed and (estimate.low > 0 or estimate.high < 0)
    interval = f"[dim]{estimate.low:.3f}…{estimate.high:.3f}[/]"
    return f"{f'[bold]{value}[/]' if told else value}\n{interval}"


def _print_changes(comparison: Comparison, this: Side, other: Side) -> None:
    out.print(
        f"nDCG is higher for {comparison.better:,} queries, lower for {comparison.worse:,}, the "
        "same for the rest"
    )
    if not comparison.changed:
        return
    table = Table(title="changed most", title_justify="left", header_style="bold", box=None)
    for heading in ("line", "nDCG", "query", "first hit before", "first hit now"):
        table.add_column(heading)
    for change in comparison.changed[:_CHANGES]:
        table.add_row(*_change(change, this, other))
    out.print(table)


def _change(change: Change, this: Side, other: Side) -> tuple[str, ...]:
    from indexer.evaluation import named

    query = change.after.query
    return (
        str(query.line),
        f"{change.difference[-1]:+.3f}",
        for_terminal(named(query), _WIDTH),
        _first(change.before.hits, other),
        _first(change.after.hits, this),
    )


def _first(hits: tuple[RankedHit, ...], side: Side) -> str:
    if not hits:
        return "[dim]none[/]"
    from indexer.evaluation import title_of

    shown = for_terminal(title_of(side.index, hits[0].match.id), _WIDTH)
    return f"[green]{shown}[/]" if hits[0].relevant else shown


def _note_left_out(evaluation: Evaluation) -> None:
    for side in (evaluation.this, evaluation.other):
        if side is not None and side.judgement.unknown_ids:
            unknown = side.judgement.unknown_ids
            note(
                f"{len(unknown):,} relevant id(s) are not in {side.place} and count as not found: "
                f"{', '.join(unknown[:3])}{', …' if len(unknown) > 3 else ''}"
            )
    unanswerable = evaluation.this.judgement.unanswerable
    if unanswerable:
        note(
            f"{len(unanswerable):,} queries have no relevant product in the index and are left "
            f"out, the first on line {unanswerable[0]}"
        )
    if evaluation.bad:
        note(f"{len(evaluation.bad):,} row(s) could not be used:")
        for row in evaluation.bad[:3]:
            note(f"  line {row.line}: {row.message}")
