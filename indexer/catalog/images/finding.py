"""Image finding: the file or URL that a cell names; files are found only below the roots."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from indexer.catalog.images.sources import ImageSource, check_size, not_a_file, os_problem
from indexer.catalog.images.spellings import (
    FolderNames,
    equal_names,
    file_url_path,
    foreign_parts,
    is_absolute,
    other_spellings,
)
from indexer.catalog.images.urls import browser_url
from indexer.catalog.quoting import quote_for_message
from indexer.errors import CatalogError, SourceError

__all__ = ["ImageFinder", "find_image"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):([/\\]{2})?")
# Schemes that come without "//"; any other "word:" begins a file name.
_BARE_SCHEMES = frozenset({"about", "blob", "cid", "data", "file", "ftp", "http", "https",
                           "javascript", "mailto", "urn"})  # fmt: skip
# "//cdn.example/a.jpg" is an address without its scheme, as web pages and shop exports write it.
_WITHOUT_SCHEME = re.compile(r"//[^/\\?#@\s]+\.[^/\\?#@\s.]+/")
_LOOKS_LIKE_ADDRESS = re.compile(r"(?:www\.[^/\s]+|[^/\s]+\.(?:com|net|org|shop|de|fr|es|uk))/\S+")
# Folders that are remembered.
_MAX_FOLDERS = 10_000


class _Root:
    """A folder that images may be in.

    Attributes:
        path: Absolute and free of symbolic links.
        prefix: The same with a slash at its end.
        spelled: Beginnings of absolute paths into it: as it was given, and without links.
        foreign: The beginning of Windows paths that stands for it, in lower case, once known.
    """

    def __init__(self, folder: Path) -> None:
        self.path = os.path.realpath(folder)
        self.prefix = self.path if self.path.endswith(os.sep) else self.path + os.sep
        given = os.path.normpath(folder.absolute())
        self.spelled = (self.prefix, given if given.endswith(os.sep) else given + os.sep)
        self.foreign: list[str] | None = None

    def holds(self, path: str) -> bool:
        """Whether a normal absolute path is this folder, or below it by its text."""
        return path.startswith(self.spelled) or path + os.sep in self.spelled


class ImageFinder:
    """Finds the images that the cells of one catalog name.

    A path is looked for as it is written, then with slashes for backslashes and percent codes
    decoded, then with names that differ in case or Unicode form. Paths of a Windows machine are
    found by their ends: the first one that leads to a file decides which of its folders stands for
    a root, for all of them. No file outside the roots is looked at, nothing is opened.

    Args:
        folder: The catalog's folder, where relative paths begin.
        image_roots: More folders that images may be in; relative paths are tried below them, too.
        max_bytes: The largest file.

    Raises:
        CatalogError: An image root is not a folder.
    """

    def __init__(self, folder: Path, image_roots: Sequence[Path] = (), *, max_bytes: int) -> None:
        for root in image_roots:
            if not root.is_dir():
                raise CatalogError(
                    f"there is no folder {str(root)!r}; --image-root names a folder with images"
                )
        self._roots = [_Root(root) for root in (folder, *image_roots)]
        self._max_bytes = max_bytes
        self._names = FolderNames()
        # Real folders with a slash at their end, by the texts up to the last slash of a path.
        self._folders = {"": self._roots[0].prefix}

    def find(self, text: str) -> ImageSource:
        """Find the image that a cell names: a path, or a URL.

        Args:
            text: The cell; spaces around it are dropped.

        Raises:
            SourceError: `no_image`, `bad_path`, `path_outside_catalog`, `image_not_found`,
                `not_a_file`, `unreadable`, `image_too_large`, `unsupported_scheme` or `bad_url`.
        """
        text = text.strip()
        scheme = _SCHEME.match(text) if ":" in text else None
        if scheme is None:
            if text[:2] == "//" and _WITHOUT_SCHEME.match(text):
                return _url_image("https:" + text)
            return self._recent(text) or self._local(text)
        name = scheme.group(1).lower()
        if name in ("http", "https"):
            return _url_image(text)
        if name == "file" and (path := file_url_path(text)) is not None and is_absolute(path):
            return self._local(path)
        if scheme.group(2) or name in _BARE_SCHEMES:
            raise SourceError(
                "unsupported_scheme",
                f"{quote_for_message(text)} is an address of the kind {name!r}; give a path below "
                "the catalog's folder, or an http or https URL",
            )
        return self._local(text)

    def exactly(self, text: str) -> ImageSource:
        """Find a file by its path below the catalog's folder, in this spelling alone.

        Raises:
            SourceError: As in `find`.
        """
        root = self._roots[0]
        with _path_errors(text):
            normal = os.path.normpath(root.prefix + text)
            if normal != root.path and not normal.startswith(root.prefix):
                raise self._outside(text)
            found = self._real(root, root.prefix + text)
        if found is None:
            raise self._not_found(text)
        return found

    def _recent(self, text: str) -> ImageSource | None:
        """Find a file under just this name in a folder in which one was found before.

        Quicker than `_known`, which looks for all others, and says what is wrong with them.
        """
        at = text.rfind("/") + 1
        folder = self._folders.get(text[:at])
        if folder is None or not text.isascii():
            return None
        path = folder + text[at:]
        try:
            found = os.lstat(path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode) or found.st_size > self._max_bytes:
            return None
        root = self._roots[0]
        return ImageSource(path[len(root.prefix) :], path=path, root=root.path)

    def _local(self, text: str) -> ImageSource:
        if not text:
            raise SourceError("no_image", "the row has no image; give a path")
        with _path_errors(text):
            if (parts := foreign_parts(text)) is not None:
                return self._foreign(text, parts)
            return self._known(text) or self._search(text)

    def _known(self, text: str) -> ImageSource | None:
        """Find a file in a folder in which one was found before, as most are.

        So no folder is listed for a row whose path is spelled otherwise than the folder is, or in
        another Unicode form than the file.
        """
        folder, name = _split(text)
        real = self._folders.get(folder)
        if real is None or name in ("", ".", ".."):
            return None
        for spelled in equal_names(name):
            if (source := self._regular(self._roots[0], real + spelled)) is not None:
                return source
        return None

    def _search(self, text: str) -> ImageSource:
        """Find a file by a path of any spelling.

        Raises:
            SourceError: There is none, or it can't be used.
        """
        spelled = [text, *other_spellings(text)]
        for look in (self._at, self._nearly):
            for variant in spelled:
                if (source := look(variant, text)) is not None:
                    return source
        if not all(self._is_inside(variant) for variant in spelled):
            raise self._outside(text)
        raise self._not_found(text)

    def _at(self, text: str, given: str) -> ImageSource | None:
        """Find a file by a path in this spelling of the given one; None if there is none.

        Raises:
            SourceError: `path_outside_catalog`, and whatever is wrong with the file.
        """
        for root, path in self._candidates(text):
            if (source := self._real(root, path)) is not None:
                self._remember(given, path)
                return source
        return None

    def _remember(self, given: str, path: str) -> None:
        """Remember the folder that the beginning of a path stands for.

        Args:
            given: The path as the catalog spells it.
            path: The same as the folders spell it, absolute, before links are followed.
        """
        root, (folder, _) = self._roots[0], _split(given)
        if given.startswith("/") or folder in self._folders:
            return
        real = os.path.join(os.path.realpath(os.path.dirname(path)), "")  # noqa: PTH118, PTH120
        exact = os.path.join(os.path.realpath(root.prefix + folder), "")  # noqa: PTH118
        # Where a folder of just this name is there, too, another may hold the next file.
        if real.startswith(root.prefix) and (exact == real or not os.path.isdir(exact)):  # noqa: PTH112
            if len(self._folders) >= _MAX_FOLDERS:
                self._folders.clear()
            self._folders[folder] = real

    def _is_inside(self, text: str) -> bool:
        """Whether a path stays below the roots by its text alone."""
        if text.startswith("/"):
            return any(True for root in self._roots if root.holds(_normal(text)))
        return any(True for _ in self._candidates(text))

    def _candidates(self, text: str) -> Iterator[tuple[_Root, str]]:
        """Yield the places of a path below the roots; none if it leaves all by its text alone."""
        if text.startswith("/"):
            normal = _normal(text)
            for root in self._roots:
                if root.holds(normal):
                    yield root, normal
                    return
            # A path below a root all the same: web shops count from the folder of their media.
            text = text.lstrip("/")
        for root in self._roots:
            normal = os.path.normpath(root.prefix + text)
            if root.holds(normal):
                yield root, root.prefix + text
            elif root is self._roots[0]:
                yield from ((other, normal) for other in self._roots[1:] if other.holds(normal))

    def _real(self, root: _Root, path: str) -> ImageSource | None:
        """Find the file at an absolute path, following links that stay below the roots."""
        real = os.path.realpath(path)
        if not real.startswith(root.prefix):
            owner = next((one for one in self._roots if real.startswith(one.prefix)), None)
            if owner is None and real != root.path:
                raise self._outside(path.removeprefix(root.prefix))
            root = owner or root
        return self._regular(root, real)

    def _regular(self, root: _Root, real: str) -> ImageSource | None:
        try:
            found = os.lstat(real)
        except (FileNotFoundError, NotADirectoryError):
            return None
        location = real[len(root.prefix) :].replace(os.sep, "/")
        if not stat.S_ISREG(found.st_mode):
            if stat.S_ISLNK(found.st_mode) and os.path.realpath(real) != real:
                return None  # a link that appeared in a known folder; `_real` follows it
            raise not_a_file(location or ".")
        if not location.isascii():
            location.encode("utf-8")
        check_size(found.st_size, self._max_bytes)
        return ImageSource(location, path=real, root=root.path)

    def _nearly(self, text: str, given: str) -> ImageSource | None:
        """Find a file whose names differ from a path in case or Unicode form."""
        for root, path in self._candidates(text):
            prefix = next((one for one in root.spelled if path.startswith(one)), None)
            if prefix is None:
                continue
            parts = list(Path(os.path.normpath(path[len(prefix) :])).parts)
            found = self._names.find(root.prefix, parts)
            if found is not None and (source := self._real(root, found)) is not None:
                self._remember(given, found)
                return source
        return None

    def _below_nearly(self, root: _Root, parts: list[str]) -> ImageSource | None:
        path = self._names.find(root.prefix, parts)
        return None if path is None else self._real(root, path)

    def _foreign(self, text: str, parts: list[str]) -> ImageSource:
        """Find a file by a Windows path."""
        if ".." in parts or not parts:
            raise self._outside(text)
        lower = [part.lower() for part in parts]
        known = [root for root in self._roots if root.foreign is not None]
        for root in known:
            begin = root.foreign or []
            if lower[: len(begin)] != begin:
                continue
            source = self._below_root(root, parts[len(begin) :])
            if source is None:
                raise self._not_found(text)
            return source
        for root in self._roots:
            if root.foreign is None:
                for count in range(len(parts)):
                    if (source := self._below_root(root, parts[count:])) is not None:
                        root.foreign = lower[:count]
                        return source
        raise self._outside(text)

    def _below_root(self, root: _Root, parts: list[str]) -> ImageSource | None:
        if not parts:
            return None
        return self._real(root, root.prefix + "/".join(parts)) or self._below_nearly(root, parts)

    def _places(self) -> str:
        return "the catalog's folder" + (" and the image roots" if len(self._roots) > 1 else "")

    def _outside(self, text: str) -> SourceError:
        return SourceError(
            "path_outside_catalog",
            f"the image {quote_for_message(text)} is outside {self._places()}, where nothing is "
            "read; give the path from there, or name the folder of the images with --image-root",
        )

    def _not_found(self, text: str) -> SourceError:
        advice = "check the path"
        if _LOOKS_LIKE_ADDRESS.match(text):
            advice = "if it is an address, begin it with https://"
        return SourceError(
            "image_not_found",
            f"there is no file {quote_for_message(text)} below {self._places()}; {advice}",
        )


def _split(text: str) -> tuple[str, str]:
    """Return a path's folder and name; they are separated by a slash or a backslash."""
    at = max(text.rfind("/"), text.rfind("\\"))
    return text[: at + 1], text[at + 1 :]


@contextmanager
def _path_errors(text: str) -> Iterator[None]:
    """Turn what the system says of a path into a `SourceError`."""
    try:
        yield
    except SourceError:
        raise
    except ValueError as error:
        raise SourceError(
            "bad_path", f"{quote_for_message(text)} is not a valid path: {error}"
        ) from error
    except OSError as error:
        raise os_problem(text, error) from error


def _normal(path: str) -> str:
    """Return an absolute path without `..` and double slashes."""
    normal = os.path.normpath(path)
    return normal[1:] if normal.startswith("//") else normal


def find_image(root: Path, text: str, max_bytes: int) -> ImageSource:
    """Find the image that a cell names, as `ImageFinder.find`.

    Args:
        root: The folder where relative paths begin.
        text: The cell.
        max_bytes: The largest file.
    """
    return ImageFinder(root, max_bytes=max_bytes).find(text)


def _url_image(text: str) -> ImageSource:
    url = browser_url(text)
    return ImageSource(url, url=url)
