"""The page about a catalog's quality: one HTML file without scripts or requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from indexer.index import Index
from indexer.quality import TINY_SIDE, CatalogHealth, RareValue
from search_api.reports.pages import Thumbnails, render_page

__all__ = ["ReportLimits", "render_report"]

# Evidence, in robust standard deviations, from which a title disagrees, and disagrees strongly.
_CLEAR, _STRONG = 3.0, 5.0
# Characters of a clipped text.
_CLIPPED = 90
# Bounds of a percentage that is neither nothing nor everything.
_MIN_PERCENT, _MAX_PERCENT = 0.1, 99.9

_REASONS = {
    "missing_id": "No product id",
    "bad_id": "Unusable product id",
    "id_too_long": "Product id too long",
    "duplicate_id": "The same product id twice",
    "no_image": "No picture given",
    "image_not_found": "Picture file not found",
    "not_a_file": "Not a picture file",
    "unreadable": "Picture file can't be opened",
    "unsupported_image": "Not a picture, or of a kind that is not read",
    "broken_image": "Damaged picture",
    "image_too_large": "Picture too large",
    "path_outside_catalog": "Picture lies outside of the catalog's folder",
    "url_not_allowed": "Picture address not allowed",
    "url_unreachable": "Picture address can't be reached",
    "url_timeout": "Picture address too slow",
    "url_bad_status": "Picture address gives no picture",
    "unsafe_image": "Picture held back: may not be fit to show",
    "bad_utf8": "Text that is not UTF-8",
    "ragged_row": "Row with too many or too few cells",
    "nan": "Not a number",
}


@dataclass(frozen=True)
class ReportLimits:
    """Maximum number of items in each part of the page; the rest is counted.

    Attributes:
        titles: Titles that disagree with their picture.
        groups: Groups of duplicates.
        members: Pictures of a group of duplicates.
        rows: Refused rows for each reason, and lines of the table of pictures per product.
        faults: Blank pictures, and tiny ones.
        rare: Rare values.
        fields: Fields with the distribution of their values.
        values: Values of such a field.
        clashes: Fields that a title and its picture disagree about.
        ids: Ids in a list to copy.
    """

    titles: int = 48
    groups: int = 24
    members: int = 6
    rows: int = 12
    faults: int = 24
    rare: int = 30
    fields: int = 10
    values: int = 12
    clashes: int = 3
    ids: int = 5000


@dataclass(frozen=True)
class _Tile:
    """A number at the top of the page, linked to its section."""

    count: str
    label: str
    anchor: str
    tone: str = ""


def render_report(
    health: CatalogHealth, index: Index, made: date, limits: ReportLimits | None = None
) -> str:
    """Render the page, with its pictures and styles; below 5 MB at the default limits.

    Text of the catalog is escaped, and a content security policy forbids scripts and requests.

    Args:
        health: The examination of the index.
        index: The generation that was examined; has the pictures.
        made: The date to print.
        limits: Maximum number of items in each part.
    """
    rare = [(group.name, value) for group in health.groups for value in group.rare]
    rare.sort(key=lambda pair: pair[1].meant is None)
    return render_page(
        "report.html",
        (_clipped, _share, _reason, _words, _strength, _tone),
        health=health,
        tiles=_tiles(health, rare),
        rare=rare,
        limits=limits or ReportLimits(),
        picture=Thumbnails(index),
        made=f"{made.day} {made:%B %Y}",
        tiny_side=TINY_SIDE,
    )


def _tiles(health: CatalogHealth, rare: list[tuple[str, RareValue]]) -> list[_Tile]:
    refused = sum(len(kind.refusals) for kind in health.refused)
    clear = sum(1 for suspect in health.titles if suspect.evidence >= _CLEAR)
    gaps = sum(field.missing for field in health.fields)
    slips = sum(1 for _, value in rare if value.meant is not None)

    def tile(count: int, label: str, anchor: str, tone: str = "medium") -> _Tile:
        return _Tile(f"{count:,}", label, anchor, tone if count else "good")

    faces = []
    if health.unsafe is not None:
        faces.append(tile(len(health.unsafe), "pictures that may be unfit", "unsafe", "strong"))
    if health.faces is not None:
        faces.append(tile(len(health.faces), "pictures with faces", "faces"))
    return [
        tile(clear, "titles that disagree with their picture", "titles", "strong"),
        tile(len(health.duplicates.groups), "pictures on several products", "duplicates"),
        tile(refused, "rows and pictures left out", "refused", "strong"),
        tile(len(health.blank), "blank pictures", "blank", "strong"),
        tile(len(health.tiny), "tiny pictures", "tiny"),
        *faces,
        tile(gaps, "missing values", "fields"),
        tile(slips, "likely misspellings", "values"),
    ]


def _clipped(text: str) -> str:
    text = str(text)
    return text if len(text) <= _CLIPPED else text[: _CLIPPED - 1].rstrip() + "…"


def _share(part: int, whole: int) -> str:
    """A percentage; 0% and 100% stand for nothing and everything only."""
    if part in (0, whole) or not whole:
        return "100%" if part else "0%"
    return f"{min(_MAX_PERCENT, max(_MIN_PERCENT, 100 * part / whole)):.1f}%"


def _words(code: str) -> str:
    """A field's name or a reason's code in words."""
    text = str(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _reason(code: str) -> str:
    """A reason for a refusal in words."""
    return _REASONS.get(code, _words(code))


def _strength(evidence: float) -> str:
    if evidence >= _STRONG:
        return "disagrees strongly"
    return "disagrees" if evidence >= _CLEAR else "worth a look"


def _tone(evidence: float) -> str:
    if evidence >= _STRONG:
        return "strong"
    return "medium" if evidence >= _CLEAR else ""
