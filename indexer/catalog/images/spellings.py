"""Spellings of paths: other ways in which a catalog may write the path of a file."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from indexer.catalog.quoting import quote_for_message
from indexer.errors import SourceError

__all__ = [
    "FolderNames",
    "equal_names",
    "file_url_path",
    "foreign_parts",
    "is_absolute",
    "other_spellings",
]

# Names that `FolderNames` holds at most, in all folders together: some 100 MB.
_MAX_NAMES = 500_000
# C:\x, C:/x and \\server\share\x.
_FOREIGN = re.compile(r"[A-Za-z]:[\\/]+(.*)|\\\\[^\\/]+[\\/]+(.*)", re.DOTALL)
_SEPARATORS = re.compile(r"[\\/]+")


def is_absolute(text: str) -> bool:
    """Whether a path begins at the root of a file system, of any system."""
    return text.startswith("/") or _FOREIGN.match(text) is not None


def foreign_parts(text: str) -> list[str] | None:
    """Return the parts of a Windows path below its drive or server; None for any other path."""
    match = _FOREIGN.fullmatch(text)
    if match is None:
        return None
    return [part for part in _SEPARATORS.split(match.group(1) or match.group(2) or "") if part]


def file_url_path(text: str) -> str | None:
    r"""Return the path of a `file://` URL: `/x`, `C:\x` or `\\server\x`; None if it has none."""
    try:
        parts = urlsplit(text)
        path = unquote(parts.path, errors="strict")
    except ValueError:
        return None
    if re.match(r"/[A-Za-z]:/", path):
        return path[1:]
    if parts.netloc not in ("", "localhost"):
        return f"\\\\{parts.netloc}{path}"
    return path or None


def other_spellings(text: str) -> Iterator[str]:
    """Yield a path with slashes for backslashes, and with percent codes decoded."""
    seen = {text}
    for spelled in (text, text.replace("\\", "/")):
        for variant in (spelled, _decoded(spelled)):
            if variant not in seen:
                seen.add(variant)
                yield variant


def equal_names(name: str) -> Iterator[str]:
    """Yield the name of a file, with percent codes decoded, and in each Unicode form, once each."""
    yield name
    if name.isascii() and "%" not in name:
        return
    seen = {name}
    for spelled in (name, _decoded(name)):
        for form in ("NFC", "NFD"):
            for variant in (spelled, unicodedata.normalize(form, spelled)):
                if variant not in seen and "/" not in variant and "\0" not in variant:
                    seen.add(variant)
                    yield variant


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


class FolderNames:
    """Finds files whose names differ from a path in case or in Unicode form (NFC, NFD).

    Folders are listed on first use, and the lists are kept while they are few.
    """

    def __init__(self) -> None:
        self._folders: OrderedDict[str, dict[str, list[str]]] = OrderedDict()
        self._count = 0

    def find(self, root: str, parts: list[str]) -> str | None:
        """Return the path of a file as the folders spell it, or None if there is none.

        Args:
            root: The folder to begin in, free of symbolic links, with a slash at its end. No folder
                that a link leads to outside of it is listed.
            parts: The parts of the path below it.

        Raises:
            SourceError: `image_not_found`: several names are equally near.
            OSError: A folder can't be listed.
        """
        path = root
        for part in parts:
            path = os.path.join(os.path.realpath(path), "")  # noqa: PTH118
            if not path.startswith(root) or not os.path.isdir(path):  # noqa: PTH112
                return None
            name = self._name(path, part)
            if name is None:
                return None
            path += name
        return path

    def _name(self, folder: str, part: str) -> str | None:
        if part in (".", ".."):
            return None
        names = self._listed(folder).get(_folded(part), [])
        if part in names:
            return part
        composed = unicodedata.normalize("NFC", part)
        near = [name for name in names if unicodedata.normalize("NFC", name) == composed] or names
        if len(near) > 1:
            raise SourceError(
                "image_not_found",
                f"there is no {quote_for_message(part)}, and "
                f"{' and '.join(map(quote_for_message, sorted(near)[:3]))} differ from it only in "
                "case or Unicode form; give the exact name",
            )
        return near[0] if near else None

    def _listed(self, folder: str) -> dict[str, list[str]]:
        if (known := self._folders.get(folder)) is not None:
            self._folders.move_to_end(folder)
            return known
        names: dict[str, list[str]] = {}
        for name in os.listdir(folder):  # noqa: PTH208
            names.setdefault(_folded(name), []).append(name)
        self._folders[folder] = names
        self._count += len(names)
        while self._count > _MAX_NAMES and len(self._folders) > 1:
            _, dropped = self._folders.popitem(last=False)
            self._count -= len(dropped)
        return names


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    # "GRÖSSE" is "größe" in upper case.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
