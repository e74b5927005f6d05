"""Image sources: the bytes of a product's image; a file is read only below its root."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from indexer.catalog.quoting import quote_for_message
from indexer.errors import SourceError

__all__ = ["ImageSource", "check_size", "embedded_image", "not_a_file", "os_problem"]

_READ_CHUNK = 2**20

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


# One is made for each image; frozen, that would take three times as long.
@dataclass(slots=True, unsafe_hash=True)
class ImageSource:
    """One image of a product; exactly one of `path`, `data` and `url` is set. Nothing changes it.

    Attributes:
        location: What the index stores: the path below the root with `/` between its parts, the
            URL, or the empty text for bytes in the catalog.
        path: The file, absolute and free of symbolic links.
        data: The bytes.
        url: The address: http or https, or of object storage, such as `s3://`.
        root: The folder that `path` is in and that reading never leaves.
    """

    location: str
    path: str | Path | None = None
    data: bytes | None = field(default=None, repr=False)
    url: str | None = None
    root: str | Path | None = None

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
        path = Path(self.path)
        try:
            handle = _open_below(Path(self.root or path.parent), path)
        except OSError as error:
            raise os_problem(self.location, error) from error
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise not_a_file(self.location)
            check_size(found.st_size, max_bytes)
            return _read_all(handle, max_bytes)
        except OSError as error:
            raise os_problem(self.location, error) from error
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


def not_a_file(text: str) -> SourceError:
    """Return the error for a path that leads to something other than a regular file."""
    return SourceError(
        "not_a_file",
        f"{quote_for_message(text)} is not a regular file but a folder, pipe, socket or device; "
        "give the path of an image",
    )


def os_problem(text: str, error: OSError) -> SourceError:
    """Return the error for a path that the system can't open."""
    name = quote_for_message(text)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return SourceError(
            "image_not_found",
            f"there is no file {name} below the catalog's folder; check the path",
        )
    if error.errno in (errno.ELOOP, errno.ENXIO):
        return not_a_file(text)
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
        return SourceError("bad_path", f"{name} is not a valid path; check it")
    return SourceError("unreadable", f"{name} can't be opened: {error.strerror}")


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
