"""The page about an index's tags: one HTML file without scripts or requests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from indexer.index import Index
from indexer.quality import Audit, GroupAudit
from search_api.reports.pages import Thumbnails, render_page

__all__ = ["AuditLimits", "render_audit"]

# Side of a reliability diagram, and radii of its dots: smallest, and what a dot of all images adds;
# in pixels.
_CHART_SIDE = 150
_MIN_RADIUS, _MORE_RADIUS = 2, 12


@dataclass(frozen=True)
class AuditLimits:
    """Maximum number of items in each part of the page.

    Attributes:
        labels: Labels of a group that are shown with pictures.
        rows: Rows of a group's table.
        side: Longest side of a picture, in pixels.
    """

    labels: int = 16
    rows: int = 60
    side: int = 96


@dataclass(frozen=True)
class _Row:
    """A label in the table of its group."""

    label: str
    true: int
    given: int
    precision: str
    recall: str


@dataclass(frozen=True)
class _Dot:
    """A bin of probability in a reliability diagram, in pixels."""

    x: float
    y: float
    radius: float


def render_audit(audit: Audit, index: Index, made: date, limits: AuditLimits | None = None) -> str:
    """Render the page, with its pictures and styles.

    Text of the catalog is escaped, and a content security policy forbids scripts and requests.

    Args:
        audit: The audit of the index.
        index: The generation that was audited; has the pictures.
        made: The date to print.
        limits: Maximum number of items in each part.
    """
    return render_page(
        "audit.html",
        (_percent,),
        audit=audit,
        limits=limits or AuditLimits(),
        picture=Thumbnails(index),
        rows=_rows,
        dots=_dots,
        chart_side=_CHART_SIDE,
        made=f"{made.day} {made:%B %Y}",
    )


def _percent(share: float | None) -> str:
    return "-" if share is None or math.isnan(share) else f"{100 * share:.1f}%"


def _rows(group: GroupAudit) -> list[_Row]:
    """List the labels that are true of an image or given to one, most frequent first."""
    if group.figures is None:
        return []
    labels = [label for label in group.figures.labels if label.true or label.given]
    labels.sort(key=lambda label: (-label.true, label.label))
    return [
        _Row(
            label.label, label.true, label.given, _percent(label.precision), _percent(label.recall)
        )
        for label in labels
    ]


def _dots(group: GroupAudit) -> list[_Dot]:
    """The dots of a reliability diagram: accuracy over confidence, as large as the bin's share."""
    bins = () if group.figures is None else group.figures.bins
    return [
        _Dot(
            confidence * _CHART_SIDE,
            (1 - accuracy) * _CHART_SIDE,
            _MIN_RADIUS + _MORE_RADIUS * math.sqrt(share),
        )
        for share, confidence, accuracy in bins
        if share
    ]
