"""Image sources: where a product's images are; files are read only below the catalog's folder."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from indexer.catalog.quoting import quote_for_message
from indexer.errors import SourceError

__all__ = ["ImageSource", "check_size", "embedded_image", "find_image", "local_image"]

_READ_CHUNK = 2**20
_MAX_URL_CHARACTERS = 4096

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?")
# Schemes that come without "//"; any other "word:" begins a file name.
_BARE_SCHEMES = frozenset({"about", "blob", "cid", "data", "file", "ftp", "http", "https",
                           "javascript", "mailto", "urn"})  # fmt: skip

# Absolute paths: /x, \\server\share and C:\x.
_ABSOLUTE = re.compile(r"/|\\\\|[A-Za-z]:[\\/]")

# 0 where the system has no such flag: O_PATH opens folders that may be passed but not listed.
_FOLDER_FLAGS = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
# O_NONBLOCK, so that opening a FIFO without a writer returns; the file's kind is checked after.
_FILE_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_HAS_DIR_FD = os.open in os.supports_dir_fd

_OUTSIDE = (
    "the image {} is outside the catalog's folder, where nothing is read; move it into the folder "
    "and give its path from there"
)
_NOT_A_FILE = (
    "{} is not a regular file but a folder, pipe, socket or device; give the path of an image"
)


@dataclass(frozen=True)
class ImageSource:
    """One image of a product; exactly one of `path`, `data` and `url` is set.

    Attributes:
        location: What the index stores: the path below the catalog's folder with `/` between its
            parts, the URL, or the empty text for bytes in the catalog.
        path: The file, absolute and free of symbolic links.
        data: The bytes.
        url: The address, http or https.
        root: The folder that `path` is in and that reading never leaves.
    """

    location: str
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    url: str | None = None
    root: Path | None = None

    def read(self, max_bytes: int) -> bytes:
        """Return the bytes of the image, undecoded.

        A file is opened folder by folder from `root` without following symbolic links. So a folder
        that was replaced by a link since the row was read can't lead out of the root.

        Args:
            max_bytes: The largest image; a larger file is refused before it is read.

        Raises:
            SourceError: `image_too_large`, `image_not_found`, `not_a_file` or `unreadable`.
            ValueError: It is at a URL, which `indexer.image_loading.fetching` reads.
        """
        if self.data is not None:
            check_size(len(self.data), max_bytes)
            return self.data
        if self.path is None:
            raise ValueError("an image at a URL is fetched, not read")
        try:
            handle = _open_below(self.root or self.path.parent, self.path)
        except OSError as error:
            raise _os_problem(self.location, error) from error
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise SourceError(
                    "not_a_file", _NOT_A_FILE.format(quote_for_message(self.location))
                )
            check_size(found.st_size, max_bytes)
            return _read_all(handle, max_bytes)
        except OSError as error:
            raise _os_problem(self.location, error) from error
        finally:
            os.close(handle)


def check_size(size: int, max_bytes: int) -> None:
    """Raise a `SourceError`, `image_too_large`, if an image has too many bytes."""
    if size > max_bytes:
        raise SourceError(
            "image_too_large",
            f"the image has {size:,} bytes or more; up to {max_bytes:,} are allowed",
        )


def embedded_image(data: bytes, max_bytes: int) -> ImageSource:
    """Return the source of an image whose bytes are in the catalog itself."""
    check_size(len(data), max_bytes)
    return ImageSource("", data=data)


def find_image(root: Path, text: str, max_bytes: int) -> ImageSource:
    """Find the image that a cell of the catalog names: a path from the root, or a URL.

    Args:
        root: The catalog's folder, absolute and free of symbolic links.
        text: The cell; spaces around it are dropped.
        max_bytes: As in `local_image`.

    Raises:
        SourceError: As in `local_image`, or `unsupported_scheme`, `bad_url`.
    """
    text = text.strip()
    scheme = _SCHEME.match(text)
    if scheme is None:
        return local_image(root, text, max_bytes)
    name = scheme.group(1).lower()
    if name in ("http", "https"):
        return _url_image(text)
    if scheme.group(2) or name in _BARE_SCHEMES:
        raise SourceError(
            "unsupported_scheme",
            f"{quote_for_message(text)} is an address of the kind {name!r}; give a path below "
            "the catalog's "
            "folder, or an http or https URL",
        )
    return local_image(root, text, max_bytes)


def local_image(root: Path, text: str, max_bytes: int) -> ImageSource:
    """Find an image by its path below the catalog's folder; nothing is opened.

    Symbolic links are followed as long as they stay below the root.

    Args:
        root: The catalog's folder, absolute and free of symbolic links.
        text: The path, relative to the root.
        max_bytes: The largest file.

    Raises:
        SourceError: `no_image`, `bad_path`, `path_outside_catalog`, `image_not_found`,
            `not_a_file`, `unreadable` or `image_too_large`.
    """
    if not text:
        raise SourceError("no_image", "the row has no image; give a path")
    if _leaves_folder(text):
        raise SourceError("path_outside_catalog", _OUTSIDE.format(quote_for_message(text)))
    # Strings, since `Path` objects doubled the time of reading a row.
    base = os.fspath(root)
    prefix = base if base.endswith(os.sep) else base + os.sep
    try:
        real = os.path.realpath(prefix + text)
        if real != base and not real.startswith(prefix):
            raise SourceError("path_outside_catalog", _OUTSIDE.format(quote_for_message(text)))
        location = real[len(prefix) :].replace(os.sep, "/")
        location.encode("utf-8")
        found = os.lstat(real)
    except ValueError as error:
        raise SourceError(
            "bad_path", f"{quote_for_message(text)} is not a valid path: {error}"
        ) from error
    except OSError as error:
        raise _os_problem(text, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise SourceError("not_a_file", _NOT_A_FILE.format(quote_for_message(text)))
    check_size(found.st_size, max_bytes)
    return ImageSource(location, path=Path(real), root=root)


def _leaves_folder(text: str) -> bool:
    """Whether a path leaves its folder by its text alone, on any operating system."""
    if _ABSOLUTE.match(text):
        return True
    return os.path.normpath(text).split(os.sep, 1)[0] == ".."


def _url_image(text: str) -> ImageSource:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
        text.encode("utf-8")
    except ValueError:
        host = None
    if not host or len(text) > _MAX_URL_CHARACTERS or not text.isprintable() or " " in text:
        raise SourceError(
            "bad_url", f"{quote_for_message(text)} is not a usable URL; check its spelling"
        )
    if parts.username is not None or parts.password is not None:
        raise SourceError(
            "bad_url",
            f"the URL on {quote_for_message(host)} contains a user name or password, which the "
            "index would store readably; remove them",
        )
    return ImageSource(text, url=text)


def _open_below(root: Path, path: Path) -> int:
    if not _HAS_DIR_FD:
        return os.open(path, _FILE_FLAGS)
    *folders, name = path.relative_to(root).parts
    folder = os.open(root, _FOLDER_FLAGS)
    try:
        for part in folders:
            below = os.open(part, _FOLDER_FLAGS, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(name, _FILE_FLAGS, dir_fd=folder)
    finally:
        os.close(folder)


def _read_all(handle: int, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := os.read(handle, _READ_CHUNK):
        size += len(chunk)
        check_size(size, max_bytes)  # a file can grow while it is read
        chunks.append(chunk)
    return b"".join(chunks)


def _os_problem(text: str, error: OSError) -> SourceError:
    name = quote_for_message(text)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return SourceError(
            "image_not_found",
            f"there is no file {name} below the catalog's folder; check the path",
        )
    if error.errno in (errno.ELOOP, errno.ENXIO):
        return SourceError("not_a_file", _NOT_A_FILE.format(name))
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
        return SourceError("bad_path", f"{name} is not a valid path; check it")
    return SourceError("unreadable", f"{name} can't be opened: {error.strerror}")
