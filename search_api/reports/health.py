"""The catalog's health as one HTML page that needs nothing else: no script, no request."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from indexer.index import Index, open_thumbnail
from indexer.quality import TINY_SIDE, CatalogHealth, RareValue

__all__ = ["ReportLimits", "Thumbnails", "plain", "render_report"]

_QUALITY = 72
# Evidence (robust standard deviations) from which a title is said to disagree, and strongly so.
_STRONG, _CLEAR = 5.0, 3.0
_CLIPPED = 90

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
    "bad_utf8": "Text that is not UTF-8",
    "ragged_row": "Row with too many or too few cells",
    "nan": "Not a number",
}


@dataclass(frozen=True)
class ReportLimits:
    """How many of everything the page shows; the rest is counted."""

    titles: int = 48
    groups: int = 24
    members: int = 6
    rows: int = 12
    wall: int = 24
    rare: int = 30
    fields: int = 10
    values: int = 12
    clashes: int = 3
    ids: int = 5000


@dataclass(frozen=True)
class _Tile:
    count: str
    label: str
    anchor: str
    tone: str = ""


@dataclass(frozen=True)
class Thumbnails:
    """Small copies as data URIs: called with a product, which of its pictures, and a side."""

    index: Index
    cache: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def __call__(self, product: str, number: int, side: int) -> str:
        """The copy, or nothing where there is no thumbnail."""
        key = (product, number, side)
        if key not in self.cache:
            self.cache[key] = _data_uri(self.index.thumbnail(product, number), side)
        return self.cache[key]


def render_report(
    health: CatalogHealth, index: Index, made: date, limits: ReportLimits | None = None
) -> str:
    """The page, with pictures and styles inside; below 5 MB at the default limits.

    Text of the catalog is escaped, and a content security policy forbids scripts and requests
    besides.

    Args:
        health: What was found.
        index: The generation it was found in; gives the pictures.
        made: The date to print.
        limits: How many of everything are shown.
    """
    environment = _environment()
    style = environment.loader.get_source(environment, "report.css")[0]  # type: ignore[union-attr]
    rare = [(group.name, value) for group in health.groups for value in group.rare]
    rare.sort(key=lambda pair: pair[1].meant is None)
    return environment.get_template("report.html").render(
        health=health,
        tiles=_tiles(health, rare),
        rare=rare,
        limits=limits or ReportLimits(),
        picture=Thumbnails(index),
        # Ours, and the one thing besides the template that is not escaped.
        style=Markup(style),  # noqa: S704
        made=f"{made.day} {made:%B %Y}",
        tiny_side=TINY_SIDE,
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("search_api.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "plain": plain,
        "clipped": _clipped,
        "number": lambda value: f"{value:,}",
        "share": _share,
        "reason": lambda code: _REASONS.get(code, _words(code)),
        "words": _words,
        "strength": _strength,
        "tone": _tone,
    }
    environment.filters.update(filters)
    return environment


def _tiles(health: CatalogHealth, rare: list[tuple[str, RareValue]]) -> list[_Tile]:
    refused = sum(len(kind.refusals) for kind in health.refused)
    clear = sum(1 for suspect in health.titles if suspect.evidence >= _CLEAR)
    gaps = sum(field.missing for field in health.fields)
    slips = sum(1 for _, value in rare if value.meant is not None)

    def tile(count: int, label: str, anchor: str, tone: str = "medium") -> _Tile:
        return _Tile(f"{count:,}", label, anchor, tone if count else "good")

    return [
        tile(clear, "titles that disagree with their picture", "titles", "strong"),
        tile(len(health.duplicates.groups), "pictures on several products", "duplicates"),
        tile(refused, "rows and pictures left out", "refused", "strong"),
        tile(len(health.blank), "blank pictures", "blank", "strong"),
        tile(len(health.tiny), "tiny pictures", "tiny"),
        tile(gaps, "missing values", "fields"),
        tile(slips, "likely misspellings", "values"),
    ]


def _data_uri(thumbnail: bytes, side: int) -> str:
    """A small copy, none of whose sides is above `side`; empty where there is no thumbnail."""
    if not thumbnail:
        return ""
    image = open_thumbnail(thumbnail)
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        image.save(out, "WEBP", quality=_QUALITY)
        thumbnail = out.getvalue()
    return "data:image/webp;base64," + base64.b64encode(thumbnail).decode("ascii")


def plain(text: str) -> str:
    """Without control characters, of bounded length."""
    return "".join(char if char.isprintable() else "�" for char in str(text)[:400])


def _clipped(text: str) -> str:
    text = str(text)
    return text if len(text) <= _CLIPPED else text[: _CLIPPED - 1].rstrip() + "…"


def _share(part: int, whole: int) -> str:
    """A share as a percentage that is 100 or 0 only when it is."""
    if part in (0, whole) or not whole:
        return "100%" if part else "0%"
    return f"{min(99.9, max(0.1, 100 * part / whole)):.1f}%"


def _words(code: str) -> str:
    """A field's name or a reason's code as words."""
    text = str(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _strength(evidence: float) -> str:
    if evidence >= _STRONG:
        return "disagrees strongly"
    return "disagrees" if evidence >= _CLEAR else "worth a look"


def _tone(evidence: float) -> str:
    if evidence >= _STRONG:
        return "strong"
    return "medium" if evidence >= _CLEAR else ""
