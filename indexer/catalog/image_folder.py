"""Image folder catalogs: every image file below a folder is a product."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from indexer.catalog.fields import FieldValue
from indexer.catalog.images import ImageFinder, is_ignored, is_index_folder
from indexer.catalog.product_ids import check_id
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Reason
from indexer.catalog.titles import title_of_file
from indexer.errors import RowError

__all__ = ["ImageFolderCatalog"]


@dataclass(frozen=True)
class _Entry:
    """A file, or a folder that can't be listed, by its path below the root."""

    path: bytes
    link: bool = False
    problem: str | None = None


class ImageFolderCatalog(Catalog):
    """A folder in which every file is a product with one image; its relative path is its id.

    The words of a file's name are its `title`, and the folders below the root its `folder`.

    Files come in the order of their paths' bytes. Hidden files and folders, those that systems and
    file managers create (`is_ignored`), and index folders are skipped. Any other file is a row,
    whether it is an image or not, so that none is lost silently. Links to folders are not followed.
    Only the names of one folder, and of the folders above it, are in memory at a time.

    Args:
        path: The folder.
        options: How to read it; the names of columns are not used.
    """

    _ids_repeat = False  # they are paths

    def __init__(self, path: Path, options: CatalogOptions) -> None:
        super().__init__(path, options)
        self._root = path.resolve()
        self._finder = ImageFinder(path, max_bytes=options.max_image_bytes)

    @cached_property
    def count(self) -> int:
        """The number of files; links to folders count."""
        return sum(1 for _ in self._entries())

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        line = 0
        for entry in self._entries():
            if entry.link and self._is_listed_folder(entry.path):
                continue
            line += 1
            yield self._row(line, entry)

    def _row(self, line: int, entry: _Entry) -> CatalogRow | BadRow:
        if entry.problem is not None:
            return _bad_row(line, entry, RowError(Reason.UNREADABLE, entry.problem))
        try:
            product_id = _as_id(entry.path)
            source = self._finder.exactly(product_id)
        except RowError as error:
            return _bad_row(line, entry, error)
        return CatalogRow(line, product_id, (source,), _fields_of(product_id))

    def _is_listed_folder(self, path: bytes) -> bool:
        """Whether a link leads to a folder below the root, whose files are rows already."""
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
                pending.extend(_list_folder(root, entry.path))
            except OSError as error:
                if not entry.path:
                    raise
                yield _Entry(entry.path, problem=f"the folder can't be listed: {error.strerror}")


def _fields_of(product_id: str) -> dict[str, FieldValue]:
    """Return what a path says: the words of the file's name, and the folders that it is in."""
    folder, _, _ = product_id.rpartition("/")
    fields: dict[str, FieldValue] = {}
    if title := title_of_file(product_id):
        fields["title"] = title
    if folder:
        fields["folder"] = folder
    return fields


def _bad_row(line: int, entry: _Entry, problem: RowError) -> BadRow:
    name = entry.path.decode("utf-8", "backslashreplace")
    escaped = name if name.isprintable() else quote_for_message(name)
    return BadRow.of(line, escaped, problem)


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


def _list_folder(root: bytes, folder: bytes) -> list[_Entry]:
    """List a folder, last path first. Folders end with a slash: they sort like their files."""
    listed: list[_Entry] = []
    with os.scandir(root + b"/" + folder) as entries:
        for entry in entries:
            name = entry.name
            if is_ignored(os.fsdecode(name)):
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and is_index_folder(os.fsdecode(entry.path)):
                continue
            ending = b"/" if is_folder else b""
            listed.append(_Entry(folder + name + ending, link=entry.is_symlink()))
    listed.sort(key=lambda entry: entry.path, reverse=True)
    return listed
