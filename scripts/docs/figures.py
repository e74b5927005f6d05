"""Tables of figures in docs pages, written by `scripts/bench NAME --docs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.docs.marked_blocks import write_block
from scripts.support.measuring import Measure, Report
from scripts.support.reporting import shown_value

__all__ = ["Block", "Grid", "Listing", "write_figures"]

ROOT = Path(__file__).resolve().parents[2]
# What a cell shows that no measure belongs to.
_NOTHING = "-"


@dataclass(frozen=True)
class Listing:
    """A table with one measure a row: its value, and a target where any of the rows has one.

    Attributes:
        rows: Names of measures, with what the page calls each; by default all, as they are named.
    """

    rows: Mapping[str, str] = field(default_factory=dict)

    def lines(self, measures: Mapping[str, Measure]) -> list[str]:
        """Return the lines of the table."""
        rows = self.rows or {name: name.replace("_", " ") for name in measures}
        shown = {name: label for name, label in rows.items() if name in measures}
        targets = any(measures[name].target is not None for name in shown)
        header = ["measure", "value", *(["target"] if targets else [])]
        body = [
            [label, _cell(measures[name]), *([_target(measures[name])] if targets else [])]
            for name, label in shown.items()
        ]
        return _table(header, body)


@dataclass(frozen=True)
class Grid:
    """A table whose cells are measures of one family.

    Attributes:
        pattern: The name of a cell's measure, with `{row}` and `{column}`.
        rows: Keys of the rows, with what the page calls each.
        columns: Keys of the columns, with what the page calls each.
        corner: The header of the first column.
    """

    pattern: str
    rows: Mapping[str, str]
    columns: Mapping[str, str]
    corner: str = ""

    def lines(self, measures: Mapping[str, Measure]) -> list[str]:
        """Return the lines of the table."""
        names = {
            row: [self.pattern.format(row=row, column=column) for column in self.columns]
            for row in self.rows
        }
        body = [
            [
                self.rows[row],
                *(_cell(measures[n]) if n in measures else _NOTHING for n in names[row]),
            ]
            for row in self.rows
        ]
        return _table([self.corner, *self.columns.values()], body)


@dataclass(frozen=True)
class Block:
    """The figures of one command in one page.

    Attributes:
        page: The page, relative to the repository's root.
        command: What writes the block; its marks name it.
        tables: What the block holds, in this order.
    """

    page: str
    command: str
    tables: Sequence[Listing | Grid] = (Listing(),)


def write_figures(
    blocks: Iterable[Block], report: Report, machine: Mapping[str, Any], root: Path = ROOT
) -> list[Path]:
    """Write a report's figures into its blocks; return the pages that changed."""
    measures = {measure.name: measure for measure in report.measures}
    changed = []
    for block in blocks:
        parts = ["\n".join(table.lines(measures)) for table in block.tables]
        content = "\n\n".join([*parts, _origin(report, machine)])
        if write_block(root / block.page, block.command, content):
            changed.append(root / block.page)
    return changed


def _origin(report: Report, machine: Mapping[str, Any]) -> str:
    """Return one line on where the figures come from."""
    parts = [f"{machine['cpu_count']} cores of {machine['processor']}"]
    if report.about.get("quick"):
        parts.append("a short run (`--quick`)")
    missing = [f"{each.name} ({each.reason})" for each in report.not_measured]
    if missing:
        parts.append(f"not measured: {', '.join(missing)}")
    return f"*Measured on {'; '.join(parts)}.*"


def _table(header: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    rows = [header, ["---"] * len(header), *body]
    return [f"| {' | '.join(row)} |" for row in rows]


def _cell(measure: Measure) -> str:
    value = shown_value(measure.value)
    if measure.interval is not None:
        value += " ({} to {})".format(*map(shown_value, measure.interval))
    return f"{value}, missed" if measure.ok is False else value


def _target(measure: Measure) -> str:
    if measure.target is None:
        return _NOTHING
    bound = "at least" if measure.better == "higher" else "at most"
    return f"{bound} {measure.target:,g}"
