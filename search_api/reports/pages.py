"""HTML pages that contain everything they need: templates, text filters and thumbnails."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from indexer.index import Index, open_thumbnail

__all__ = ["Thumbnails", "data_uri", "plain", "render_page"]

# Quality of thumbnails that are scaled down for a page.
_WEBP_QUALITY = 72
# Characters of a catalog's text that a page shows.
_MAX_TEXT = 400

Filter = Callable[..., str]


def render_page(template: str, filters: tuple[Filter, ...] = (), **values: Any) -> str:
    """Render a template of this package; all values are escaped.

    Args:
        template: File name in `templates/`.
        filters: Template filters besides `plain` and `number`, named as their functions.
        values: Variables of the template.
    """
    return _environment(filters).get_template(template).render(**values)


@cache
def _environment(filters: tuple[Filter, ...]) -> Environment:
    environment = Environment(
        loader=PackageLoader("search_api.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {each.__name__.strip("_"): each for each in (plain, _number, *filters)}
    return environment


def plain(text: object) -> str:
    """Return a text of bounded length without control characters."""
    return "".join(char if char.isprintable() else "�" for char in str(text)[:_MAX_TEXT])


def _number(value: int) -> str:
    return f"{value:,}"


@dataclass(frozen=True)
class Thumbnails:
    """Thumbnails of an index as data URIs, each made once.

    Attributes:
        index: The index with the thumbnails.
        cache: Data URIs by product id, image position and side.
    """

    index: Index
    cache: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def __call__(self, product: str, position: int, side: int) -> str:
        """Return the data URI of a thumbnail.

        Args:
            product: Id of the product.
            position: Position among the product's images, from 0.
            side: Longest side at most, in pixels.

        Returns:
            A data URI; empty if the index has no thumbnail of the image.
        """
        key = (product, position, side)
        if key not in self.cache:
            self.cache[key] = data_uri(_scaled(self.index.thumbnail(product, position), side))
        return self.cache[key]


def data_uri(webp: bytes) -> str:
    """Return a WebP image as a data URI; empty for no bytes."""
    return f"data:image/webp;base64,{base64.b64encode(webp).decode('ascii')}" if webp else ""


def _scaled(thumbnail: bytes, side: int) -> bytes:
    """Scale a WebP thumbnail down if its longest side is above `side` pixels."""
    if not thumbnail:
        return b""
    image = open_thumbnail(thumbnail)
    if max(image.size) <= side:
        return thumbnail
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_WEBP_QUALITY)
    return out.getvalue()
