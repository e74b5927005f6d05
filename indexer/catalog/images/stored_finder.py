"""Images beside a catalog in object storage: paths below its folder, and URLs."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from indexer.catalog.images.sources import ImageSource
from indexer.catalog.images.storage import stored_url
from indexer.catalog.images.urls import browser_url
from indexer.catalog.quoting import quote_for_message
from indexer.errors import SourceError

__all__ = ["StoredImageFinder"]

_HTTP = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class StoredImageFinder:
    """Finds the images that the cells of a catalog in object storage name.

    Nothing is looked up: whether an image is there shows when it is read. Backslashes are slashes,
    and percent codes are decoded.

    Args:
        folder: Address of the catalog's folder, such as `s3://shop/feeds`. Nothing outside of it
            is read.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder.rstrip("/") + "/"

    def find(self, text: str) -> ImageSource:
        """Find the image that a cell names.

        Raises:
            SourceError: `no_image`, `bad_url`, `unsupported_scheme` or `path_outside_catalog`.
        """
        text = text.strip()
        if not text:
            raise SourceError("no_image", "the row has no image; give a path")
        if _HTTP.match(text):
            url = browser_url(text if ":" in text.partition("//")[0] else f"https:{text}")
            return ImageSource(url, url=url)
        stored = stored_url(text)
        if stored is None and _SCHEME.match(text):
            raise SourceError(
                "unsupported_scheme",
                f"{quote_for_message(text)} is of a kind that is not read here; give a path below "
                "the catalog's folder, or an http or https URL",
            )
        path = self._below(text.replace("\\", "/") if stored is None else stored)
        return ImageSource(path, url=self._folder + path)

    def _below(self, text: str) -> str:
        if text.startswith(self._folder):
            path = text[len(self._folder) :]
        elif stored_url(text) is not None:
            raise self._outside(text)
        else:
            path = unquote(text).lstrip("/")
        normal = posixpath.normpath(path)
        if normal == "." or normal.startswith("../") or normal == ".." or "\0" in normal:
            raise self._outside(text)
        return normal

    def _outside(self, text: str) -> SourceError:
        return SourceError(
            "path_outside_catalog",
            f"the image {quote_for_message(text)} is outside the catalog's folder, where nothing "
            "is read; give the path from there",
        )
