"""Pictures as callers have them, made into what is sent."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, Union, cast

from search_api.client.errors import UnreadablePictureError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Picture", "is_url", "picture_base64", "picture_bytes"]

Picture: TypeAlias = Union[str, "os.PathLike[str]", bytes, BinaryIO, "Image"]
"""A path; an http or https URL, which the service fetches; a file's bytes; a file opened in binary
mode, read from where it stands; or a PIL image."""

# Up to here a PNG is at most 3 MB and goes out as it is, pixel for pixel; a larger picture goes as
# JPEG, whose loss at this quality, without chroma subsampling, no model sees.
_LOSSLESS_PIXELS = 2**20
_QUALITY = 95

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def is_url(picture: Picture) -> bool:
    """Whether a picture is one that the service fetches."""
    return isinstance(picture, str) and picture.lower().startswith(("http://", "https://"))


def picture_bytes(picture: Picture) -> bytes:
    """The file to send; a PIL image is encoded, upright.

    Raises:
        UnreadablePictureError: There is no such file, or it can't be read or encoded.
        TypeError: This is nothing that pictures come as.
    """
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, str | os.PathLike):
        return _read(Path(picture))
    if hasattr(picture, "read"):
        return _read_file(cast(BinaryIO, picture))
    from PIL.Image import Image  # here, since most callers have files

    if isinstance(picture, Image):
        return _encode(picture)
    raise TypeError(
        "A picture is a path, a URL, bytes, a file opened in binary mode or a PIL image, not "
        f"{type(picture).__name__}."
    )


def picture_base64(picture: Picture) -> str:
    """As `picture_bytes`, as JSON carries it."""
    return base64.b64encode(picture_bytes(picture)).decode("ascii")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise UnreadablePictureError(f"{path}: can't read this picture: {reason}.") from error


def _read_file(file: BinaryIO) -> bytes:
    try:
        data: object = file.read()
    except (OSError, ValueError) as error:  # ValueError: closed, or text that is none
        raise UnreadablePictureError(f"Can't read the picture's file: {error}.") from error
    if not isinstance(data, bytes):
        raise UnreadablePictureError("The picture's file is open as text; open it with mode 'rb'.")
    return data


def _encode(image: Image) -> bytes:
    from PIL import ImageOps

    out = io.BytesIO()
    try:
        # What is sent has no EXIF that would say how to turn it.
        upright = ImageOps.exif_transpose(image)
        if upright.width * upright.height <= _LOSSLESS_PIXELS:
            known = upright.mode in _PNG_MODES
            (upright if known else upright.convert("RGB")).save(out, "PNG", compress_level=1)
        else:
            _on_white(upright).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    except (OSError, ValueError, MemoryError) as error:
        raise UnreadablePictureError(f"Can't encode the PIL image: {error}.") from error
    return out.getvalue()


def _on_white(image: Image) -> Image:
    """Without transparency, as the service would have it."""
    from PIL import Image as Images

    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = Images.new("RGBA", clear.size, "white")
    return Images.alpha_composite(white, clear).convert("RGB")
