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
        EvaluatedIndex,
        Evaluation,
        MetricBreakdown,
        MetricSummary,
        RankedHit,
    )

__all__ = ["print_evaluation"]

# Changed queries that are listed; the page and the JSON have more.
_CHANGES = 10
# Characters of a query or a title in a table.
_WIDTH = 60
# Unknown ids and unusable rows that are listed.
_EXAMPLES = 3


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the metrics overall and by group, the changed queries, and what was left out."""
    this, other, comparison = evaluation.this, evaluation.other, evaluation.comparison
    _print_metrics(_heading(this), this.metrics)
    if other is not None and comparison is not None:
        _print_metrics(f"compared with {_heading(other)}", other.metrics)
        _print_metrics("difference", comparison.differences, signed=True)
        _print_changes(comparison, this, other)
    for remark in evaluation.remarks(_EXAMPLES, _EXAMPLES):
        note(remark)


def _heading(evaluated: EvaluatedIndex) -> str:
    name = evaluated.index.manifest.encoder.name
    return f"{evaluated.place}, generation {evaluated.generation}, {name}"


def _print_metrics(title: str, metrics: MetricBreakdown, *, signed: bool = False) -> None:
    table = Table(title=escape(title), title_justify="left", header_style="bold", box=None)
    table.add_column("")
    table.add_column("queries", justify="right")
    for name in metrics.overall.metrics:
        table.add_column(name, justify="right", no_wrap=True)
    _add_rows(table, {"all": metrics.overall}, signed=signed)
    if len(metrics.kinds) > 1:
        _add_rows(table, metrics.kinds, signed=signed)
    _add_rows(table, metrics.categories, signed=signed)
    out.print(table)


def _add_rows(table: Table, rows: Mapping[str, MetricSummary], *, signed: bool) -> None:
    for name, summary in rows.items():
        cells = [_estimate(estimate, signed=signed) for estimate in summary.metrics.values()]
        table.add_row(for_terminal(name, _WIDTH), f"{summary.queries:,}", *cells)
    table.add_section()


def _estimate(estimate: Estimate, *, signed: bool) -> str:
    """A value over its interval; a difference whose interval excludes 0 is bold."""
    value = f"{estimate.value:{'+' if signed else ''}.3f}"
    if signed and (estimate.low > 0 or estimate.high < 0):
        value = f"[bold]{value}[/]"
    return f"{value}\n[dim]{estimate.low:.3f}…{estimate.high:.3f}[/]"


def _print_changes(comparison: Comparison, this: EvaluatedIndex, other: EvaluatedIndex) -> None:
    out.print(
        f"nDCG is higher for {comparison.better:,} queries, lower for {comparison.worse:,}, and "
        "the same for the rest"
    )
    if not comparison.changed:
        return
    table = Table(title="changed most", title_justify="left", header_style="bold", box=None)
    for heading in ("line", "nDCG", "query", "first hit before", "first hit now"):
        table.add_column(heading)
    for change in comparison.changed[:_CHANGES]:
        table.add_row(*_change(change, this, other))
    out.print(table)


def _change(change: Change, this: EvaluatedIndex, other: EvaluatedIndex) -> tuple[str, ...]:
    from indexer.evaluation import query_name

    query = change.after.query
    return (
        str(query.line),
        f"{change.difference[-1]:+.3f}",
        for_terminal(query_name(query), _WIDTH),
        _first_hit(change.before.hits, other),
        _first_hit(change.after.hits, this),
    )


def _first_hit(hits: tuple[RankedHit, ...], evaluated: EvaluatedIndex) -> str:
    if not hits:
        return "[dim]none[/]"
    from indexer.evaluation import product_title

    title = for_terminal(product_title(evaluated.index, hits[0].match.id), _WIDTH)
    return f"[green]{title}[/]" if hits[0].relevant else title
