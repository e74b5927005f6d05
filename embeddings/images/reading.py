"""Image files: read from disk within limits, regular files only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from PIL import Image

from embeddings.errors import UnsupportedImageError
from embeddings.images.decoding import DEFAULT_LIMITS, ImageLimits, check_bytes, open_image

__all__ = ["read_image"]


def read_image(
    path: Path, *, limits: ImageLimits = DEFAULT_LIMITS, target: int | None = None
) -> Image.Image:
    """Decode an image file; see `open_image`.

    The size is checked before anything is read, and only regular files are read: a FIFO, a device
    or a folder is refused without waiting on it.

    Raises:
        ImageError: As `open_image`; a missing or unreadable file is an `UnsupportedImageError`.
    """
    return open_image(_read(path, limits), limits=limits, target=target)


def _read(path: Path, limits: ImageLimits) -> bytes:
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for a writer for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UnsupportedImageError("no such file; check its name") from None
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnsupportedImageError("not a regular file; name an image file")
        check_bytes(status.st_size, limits)
        with os.fdopen(handle, "rb", closefd=False) as file:
            # One byte more than allowed shows a file that grew meanwhile.
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise _unreadable(error) from None
    finally:
        os.close(handle)


def _unreadable(error: OSError | ValueError) -> UnsupportedImageError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "bad file name"
    return UnsupportedImageError(
        f"the file can't be read ({reason}); check its name and permissions"
    )
