"""Catalogs that are a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from indexer.catalog.image_sources import local_image
from indexer.catalog.product_ids import check_id
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Reason
from indexer.errors import RowError

__all__ = ["FolderCatalog"]

# Files that file managers leave behind; macOS's begin with a dot and are hidden anyway.
_LITTER = frozenset({b"thumbs.db", b"ehthumbs.db", b"desktop.ini", b"icon\r"})


@dataclass(frozen=True)
class _Entry:
    """A file, or a folder that can't be listed, by its path below the root."""

    path: bytes
    link: bool = False
    problem: str | None = None


class FolderCatalog(Catalog):
    """Every file below a folder is a product with one picture, and its path below is its id.

    Files come in the order of their paths' bytes. Hidden files and folders and what file managers
    leave behind are passed over; any other file is a row, a picture or not, so that none is lost
    without a word. Links to folders are not followed. The names of one folder at a time, and of
    those above it, stand in memory.

    Args:
        path: The folder.
        options: How it is read; the columns mean nothing here.
    """

    _ids_repeat = False  # they are paths

    def __init__(self, path: Path, options: CatalogOptions) -> None:
        super().__init__(path, options)
        self._root = path.resolve()

    @cached_property
    def count(self) -> int:
        """How many files there are; links to folders count."""
        return sum(1 for _ in self._entries())

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        line = 0
        for entry in self._entries():
            if entry.link and self._is_known_folder(entry.path):
                continue
            line += 1
            yield self._row(line, entry)

    def _row(self, line: int, entry: _Entry) -> CatalogRow | BadRow:
        try:
            if entry.problem is not None:
                raise RowError(Reason.UNREADABLE, entry.problem)
            product_id = _as_id(entry.path)
            source = local_image(self._root, product_id, self._options.max_image_bytes)
        except RowError as error:
            named = entry.path.decode("utf-8", "backslashreplace")
            escaped = named if named.isprintable() else quote_for_message(named)
            return BadRow(line, escaped, error.reason, error.message)
        return CatalogRow(line, product_id, (source,))

    def _is_known_folder(self, path: bytes) -> bool:
        """Whether a link leads to a folder below the root, whose files come by their own paths."""
        real = Path(os.path.realpath(self._root / os.fsdecode(path)))
        return real.is_relative_to(self._root) and real.is_dir()

    def _entries(self) -> Iterator[_Entry]:
        root = os.fsencode(self._root)
        pending = [_Entry(b"")]
        while pending:
            entry = pending.pop()
            if entry.path and not entry.path.endswith(b"/"):
                yield entry
                continue
            try:
                pending.extend(_listed(root, entry.path))
            except OSError as error:
                if not entry.path:
                    raise
                yield _Entry(entry.path, problem=f"the folder can't be listed: {error.strerror}")


def _as_id(path: bytes) -> str:
    try:
        product_id = path.decode("utf-8")
    except UnicodeDecodeError:
        escaped = path.decode("utf-8", "backslashreplace")
        raise RowError(
            Reason.BAD_NAME,
            f"the file name {quote_for_message(escaped)} is not UTF-8; rename the file",
        ) from None
    check_id(product_id)
    return product_id


def _listed(root: bytes, folder: bytes) -> list[_Entry]:
    """List a folder, last path first; folders end with a slash, which puts them in their place."""
    found: list[_Entry] = []
    with os.scandir(root + b"/" + folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(b".") or name.lower() in _LITTER:
                continue
            ending = b"/" if entry.is_dir(follow_symlinks=False) else b""
            found.append(_Entry(folder + name + ending, link=entry.is_symlink()))
    found.sort(key=lambda entry: entry.path, reverse=True)
    return found
