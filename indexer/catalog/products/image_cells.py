"""Image cells: the images that the value of an image column names."""

from __future__ import annotations

import json
import re
from typing import Any

from indexer.catalog.fields import list_in_text
from indexer.catalog.products.row_builder import RawImage
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.errors import RowError

__all__ = ["images_of"]

_SEPARATOR = re.compile(r"[|;,\s]")
# Also an address without its scheme, "//cdn.example/a.jpg".
_ADDRESS = r"(?:https?://|//[^/\s]+\.[^/\s]+/)"
_BEFORE_URL = re.compile(rf"[\s|;,]+(?={_ADDRESS})", re.IGNORECASE)
_URL = re.compile(rf"\s*{_ADDRESS}", re.IGNORECASE)
_MEMBERS = ("bytes", "path", "url", "src", "link", "href")
_NAME = re.compile(r"[^|;,\n]*\.(?:jpe?g|png|webp|gif|bmp|tiff?|avif|heic)", re.IGNORECASE)


def images_of(value: object) -> list[RawImage]:
    """Return the images of a value: a path or URL, bytes, a struct of both, or a list of these.

    A text may name several: as a JSON list, `["a.jpg", "b.jpg"]`, or with `|`, `;`, `,` between
    them, or blanks before URLs.

    Raises:
        RowError: `bad_image`.
    """
    if isinstance(value, str):
        return _images_of_text(value.strip())
    if value is None:
        return []
    return [_image(item) for item in value] if isinstance(value, list) else [_image(value)]


def _split(text: str) -> list[str]:
    """Split a text that names several images: URLs, or names that end as images do."""
    if _SEPARATOR.search(text) is None:
        return [text]
    urls = [part for part in _BEFORE_URL.split(text) if part.strip()]
    if len(urls) > 1 and all(map(_URL.match, urls)):
        return [url.strip(" |;,") for url in urls]
    for separator in "|;,":
        parts = [part.strip() for part in text.split(separator) if part.strip()]
        if len(parts) > 1 and all(map(_NAME.fullmatch, parts)):
            return parts
    return [text]


def _image(item: Any) -> RawImage:
    if isinstance(item, dict):
        # Of the Hugging Face Hub, or an object of a shop's API.
        found = [item[name] for name in _MEMBERS if item.get(name) is not None]
        empty = item.keys() <= set(_MEMBERS)
        item = found[0] if found else None if empty else item
    if item is None or isinstance(item, str | bytes):
        return item
    raise RowError(Reason.BAD_IMAGE, "the image is neither a path or URL (text) nor a list of them")


def _images_of_text(text: str) -> list[RawImage]:
    # Data frames write a missing value as "nan".
    if not text or text.lower() == "nan":
        return []
    if not (text.startswith("[") and text.endswith("]")):
        return list(_split(text))
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        items = list_in_text(text)  # as Python writes it
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise RowError(
            Reason.BAD_IMAGE,
            f"{quote_for_message(text)} is not a valid list of images; write it as JSON: "
            '["a.jpg", "b.jpg"]',
        )
    return list(items)
