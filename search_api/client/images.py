"""Conversion of images, in any form that a caller has them, to the bytes that are sent."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, Union, cast

from search_api.client.errors import UnreadablePictureError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Picture", "image_base64", "image_bytes", "is_url"]

Picture: TypeAlias = Union[str, "os.PathLike[str]", bytes, BinaryIO, "Image"]
"""A path; an http or https URL, which the service fetches; a file's bytes; a file opened in binary
mode, read from its current position; or a PIL image."""

# Images of up to so many pixels are sent as PNG (at most 3 MB). Larger ones are sent as JPEG; at
# this quality, without chroma subsampling, its loss is too small for a model to notice.
_LOSSLESS_PIXELS = 2**20
_JPEG_QUALITY = 95

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def is_url(image: Picture) -> bool:
    """Return whether an image is a URL, which the service fetches."""
    return isinstance(image, str) and image.lower().startswith(("http://", "https://"))


def image_bytes(image: Picture) -> bytes:
    """Return the file to send; a PIL image is encoded, upright.

    Raises:
        UnreadablePictureError: There is no such file, or it can't be read or encoded.
        TypeError: The value is not an image in any of these forms.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | os.PathLike):
        return _read(Path(image))
    if hasattr(image, "read"):
        return _read_file(cast("BinaryIO", image))
    from PIL.Image import Image  # here, since most callers have files

    if isinstance(image, Image):
        return _encode(image)
    raise TypeError(
        "An image is a path, a URL, bytes, a file opened in binary mode or a PIL image, not "
        f"{type(image).__name__}."
    )


def image_base64(image: Picture) -> str:
    """Return the file to send in base64, as JSON carries it; errors as `image_bytes`."""
    return base64.b64encode(image_bytes(image)).decode("ascii")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise UnreadablePictureError(f"{path}: can't read this image: {reason}.") from error


def _read_file(file: BinaryIO) -> bytes:
    try:
        data: object = file.read()
    except (
        OSError,
        ValueError,
    ) as error:  # ValueError: the file is closed, or is text that does not decode
        raise UnreadablePictureError(f"Can't read the image's file: {error}.") from error
    if not isinstance(data, bytes):
        raise UnreadablePictureError("The image's file is open as text; open it with mode 'rb'.")
    return data


def _encode(image: Image) -> bytes:
    from PIL import ImageOps

    out = io.BytesIO()
    try:
        # The file that is sent has no EXIF orientation.
        upright = ImageOps.exif_transpose(image)
        if upright.width * upright.height <= _LOSSLESS_PIXELS:
            fits = upright.mode in _PNG_MODES
            (upright if fits else upright.convert("RGB")).save(out, "PNG", compress_level=1)
        else:
            _on_white(upright).save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    except (OSError, ValueError, MemoryError) as error:
        raise UnreadablePictureError(f"Can't encode the PIL image: {error}.") from error
    return out.getvalue()


def _on_white(image: Image) -> Image:
    """Return an image without transparency, as the service would draw it."""
    from PIL import Image as Images

    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = Images.new("RGBA", clear.size, "white")
    return Images.alpha_composite(white, clear).convert("RGB")
