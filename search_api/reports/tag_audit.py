"""The audit of an index's tags as one HTML page that needs nothing else: no script, no request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from indexer.index import Index
from indexer.quality import Audit, GroupAudit
from search_api.reports.health import Thumbnails, plain

__all__ = ["AuditLimits", "render_audit"]

_CHART = 150


@dataclass(frozen=True)
class AuditLimits:
    """How many of everything the page shows.

    Attributes:
        labels: Of a group, those with pictures.
        rows: Of a group's table.
        side: Of a picture, in pixels.
    """

    labels: int = 16
    rows: int = 60
    side: int = 96


@dataclass(frozen=True)
class _Row:
    label: str
    true: int
    given: int
    precision: str
    recall: str


def render_audit(audit: Audit, index: Index, made: date, limits: AuditLimits | None = None) -> str:
    """The page, with pictures and styles inside.

    Text of the catalog is escaped, and a content security policy forbids scripts and requests
    besides.

    Args:
        audit: What was found.
        index: The generation it was found in; gives the pictures.
        made: The date to print.
        limits: How many of everything are shown.
    """
    environment = Environment(
        loader=PackageLoader("search_api.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    style = environment.loader.get_source(environment, "report.css")[0]  # type: ignore[union-attr]
    environment.filters |= {"plain": plain, "number": lambda v: f"{v:,}", "percent": _percent}
    return environment.get_template("audit.html").render(
        audit=audit,
        limits=limits or AuditLimits(),
        picture=Thumbnails(index),
        rows=_rows,
        chart=_chart,
        # Ours, and beside the charts the one thing that is not escaped.
        style=Markup(style),  # noqa: S704
        made=f"{made.day} {made:%B %Y}",
    )


def _percent(share: float | None) -> str:
    if share is None or share != share:  # NaN
        return "-"
    return f"{100 * share:.1f}%"


def _rows(group: GroupAudit) -> list[_Row]:
    if group.figures is None:
        return []
    told = [label for label in group.figures.labels if label.true or label.given]
    told.sort(key=lambda label: (-label.true, label.label))
    return [
        _Row(
            label.label, label.true, label.given, _percent(label.precision), _percent(label.recall)
        )
        for label in told
    ]


def _chart(group: GroupAudit) -> Markup:
    """A reliability diagram: what was said against what was right, dots as large as their share."""
    assert group.figures is not None
    parts = [
        f'<svg viewBox="-26 -8 {_CHART + 40} {_CHART + 34}" width="{_CHART + 40}" role="img" '
        'aria-label="Reliability" font-size="10" fill="currentColor">',
        f'<rect width="{_CHART}" height="{_CHART}" fill="none" stroke="currentColor" '
        'stroke-opacity="0.4"/>',
        f'<line x1="0" y1="{_CHART}" x2="{_CHART}" y2="0" stroke="currentColor" '
        'stroke-opacity="0.4" stroke-dasharray="4 3"/>',
    ]
    for share, said, right in group.figures.bins:
        if share:
            x, y = said * _CHART, (1 - right) * _CHART
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 12 * share**0.5:.1f}" '
                'fill="#2a6fb0" fill-opacity="0.5"/>'
            )
    parts.append(f'<text x="{_CHART / 2}" y="{_CHART + 14}" text-anchor="middle">confidence</text>')
    turned = f"translate(-8 {_CHART / 2}) rotate(-90)"
    parts.append(f'<text transform="{turned}" text-anchor="middle">right</text>')
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 (numbers alone)
