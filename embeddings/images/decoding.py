"""Safe picture decoding: bytes or a file in, an upright RGB picture out, or an `ImageError`.

Three gates stand before the pixels. `embeddings.containers` checks the file's structure and cuts
away all that doesn't show; the decoder classes of `ALLOWED_FORMATS` are called by name, so that no
other Pillow plugin is ever consulted; and whatever they raise becomes an `ImageError`.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from embeddings.errors import (
    BrokenImageError,
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from embeddings.images.containers import (
    FORMATS,
    Container,
    check_pixels,
    exif_orientation,
    offer_more,
    unwrap,
)
from embeddings.images.strict_pillow import strict_decoding

__all__ = ["ALLOWED_FORMATS", "ImageLimits", "make_thumbnail", "open_image", "read_image"]

ALLOWED_FORMATS: tuple[str, ...] = FORMATS
"""The formats that are read, by Pillow's names; everything else is refused."""

# Pillow's own guard against bombs (`Image.MAX_IMAGE_PIXELS`) speaks up above this many pixels,
# through a process-wide warning that can't be caught safely among threads; we stay below it.
_PILLOW_GUARD = 1024 * 1024 * 1024 // 4 // 3

_DECODERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "AVIF": AvifImageFile,
}

# What makes a picture of EXIF orientation 2 to 8 upright (EXIF 2.32, 4.6.4, tag 274).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# The 8-bit level nearest to each 16-bit one: round(v * 255 / 65535) (PNG specification, 13.12).
_FROM_16_BITS: NDArray[np.uint8] = ((np.arange(65536) + 128) // 257).astype(np.uint8)

# libjpeg paints what it has no data for in the middle of every channel's range.
_JPEG_FILLER = {127, 128}

_THUMBNAIL_QUALITY = 80


@dataclass(frozen=True)
class ImageLimits:
    """How large a picture may be.

    Attributes:
        max_bytes: Size of the file. 32 MiB is past what phones and cameras write as JPEG.
        max_pixels: Declared width times height, checked before decoding; at most 89,478,485, where
            Pillow's own guard begins. 50 million lets a phone's 48-megapixel photo in. Pillow holds
            4 bytes per pixel and copy: we measured peaks from 190 MB (JPEG) to 750 MB (WebP with
            transparency) at 49 million.

    Raises:
        ValueError: A limit is below 1, or `max_pixels` above Pillow's guard.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or not 1 <= self.max_pixels <= _PILLOW_GUARD:
            raise ValueError(
                f"max_bytes must be at least 1, and max_pixels from 1 to {_PILLOW_GUARD:,}"
            )


_DEFAULT_LIMITS = ImageLimits()


def open_image(
    data: bytes, *, limits: ImageLimits = _DEFAULT_LIMITS, target: int | None = None
) -> Image.Image:
    """Decode a picture: the first frame or page, upright, RGB, transparency on white.

    16-bit grey is scaled to 8 bits; colour profiles are ignored. The result carries no metadata.

    Args:
        data: A file of one of `ALLOWED_FORMATS`.
        limits: How large it may be.
        target: The shortest side, in pixels, that is still of use. A JPEG at least twice as large
            is decoded at 1/2, 1/4 or 1/8 of its size, which is quicker and never below `target`.

    Raises:
        UnsupportedImageError: Not a picture of an allowed format, or of a variety that can't be
            decoded faithfully.
        BrokenImageError: Damaged or cut short; no part of it is returned.
        ImageTooLargeError: Over one of the limits.
    """
    _check_bytes(len(data), limits)
    container = unwrap(data, limits.max_pixels)
    try:
        with strict_decoding:
            return _picture(container, limits.max_pixels, target)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Only where this process has set Pillow's own guard below ours; the stricter one wins.
        raise ImageTooLargeError(
            f"the {container.format} picture has too many pixels; scale it down and send it again"
        ) from None
    except Exception as error:
        raise BrokenImageError(
            f"the {container.format} picture is damaged, or of a kind that is not read; "
            "save it again as JPEG or PNG"
        ) from error


def read_image(
    path: Path, *, limits: ImageLimits = _DEFAULT_LIMITS, target: int | None = None
) -> Image.Image:
    """Decode a picture file; see `open_image`.

    The size is checked before anything is read, and only regular files are read: a FIFO, a device
    or a folder is refused without waiting on it.

    Raises:
        ImageError: As `open_image`; a missing or unreadable file is an `UnsupportedImageError`.
    """
    return open_image(_read(path, limits), limits=limits, target=target)


def make_thumbnail(image: Image.Image, longest: int = 320) -> bytes:
    """Encode a small copy as WebP, without metadata.

    Args:
        image: An RGB picture, as `open_image` gives it.
        longest: The longest side, in pixels, at least 1; smaller pictures keep their size.

    Raises:
        ValueError: `longest` is below 1.
    """
    if longest < 1:
        raise ValueError("a thumbnail has at least one pixel")
    shrink = min(1.0, longest / max(image.size))
    size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0).convert("RGB")
    small.info = {}
    out = io.BytesIO()
    small.save(out, "WEBP", quality=_THUMBNAIL_QUALITY)
    return out.getvalue()


def _check_bytes(size: int, limits: ImageLimits) -> None:
    if size > limits.max_bytes:
        raise ImageTooLargeError(
            f"the picture has {size:,} bytes, over the limit of {limits.max_bytes:,} bytes; "
            "scale it down and send it again"
        )


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
            raise UnsupportedImageError("not a regular file; name a picture file")
        _check_bytes(status.st_size, limits)
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


def _picture(container: Container, max_pixels: int, target: int | None) -> Image.Image:
    image = _decode(container, max_pixels, target)
    if container.format == "JPEG" and _ends_in_filler(image):
        # A file cut short and given an end marker again: a decoder that is offered more data would
        # take it. On a whole picture that happens to end in this grey it makes no difference.
        fuller = replace(container, data=offer_more(container.data))
        again = _decode(fuller, max_pixels, target)
        if ImageChops.difference(image, again).getbbox(alpha_only=False) is not None:
            raise BrokenImageError("the JPEG picture is cut short; send the whole file again")
    orientation = container.orientation
    if container.format == "AVIF":
        orientation = exif_orientation(image.info.get("exif", b""))
    picture = _on_white(image)
    if container.format == "GIF" and picture.size != (container.width, container.height):
        canvas = Image.new("RGB", (container.width, container.height), "white")
        canvas.paste(picture, container.offset)
        picture = canvas
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    picture.info = {}
    return picture


def _decode(container: Container, max_pixels: int, target: int | None) -> Image.Image:
    image = _DECODERS[container.format](io.BytesIO(container.data))
    # The decoder's own view counts; a header that tells it otherwise must not slip through.
    check_pixels(*image.size, max_pixels)
    if target is not None and isinstance(image, JpegImageFile):
        image.draft(None, (max(target, 1), max(target, 1)))
    image.load()
    return image


def _ends_in_filler(image: Image.Image) -> bool:
    last = image.getpixel((image.width - 1, image.height - 1))
    return set(last if isinstance(last, tuple) else (last,)) <= _JPEG_FILLER


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _grey(_from_16_bits(image))
    if image.mode == "F":
        return _grey(_from_floats(np.asarray(image)))
    if not image.has_transparency_data:
        # `convert` would copy pixels that are RGB already; `_new` hands them to a plain picture,
        # free of the file's decoder and bytes.
        return image._new(image.im) if image.mode == "RGB" else image.convert("RGB")
    layer = image.convert("LA") if image.mode == "La" else image
    if layer.mode != "RGBA":
        layer = layer.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(layer, mask=layer)
    return white


def _grey(levels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(levels).convert("RGB")


def _from_16_bits(image: Image.Image) -> NDArray[np.uint8]:
    values = np.asarray(image)
    levels: NDArray[np.uint8] = _FROM_16_BITS[values]
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        levels[values == transparent] = 255
    return levels


def _from_floats(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale floating-point grey to 8 bits.

    TIFF doesn't say what white is. 1.0 is the common answer; files with larger values were written
    from integers of 8 or 16 bits, and beyond that only the picture's own maximum is left.
    """
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max())
    white = next((level for level in (1.0, 255.0, 65535.0) if top <= level), top)
    return np.asarray(np.rint(np.clip(values / white, 0.0, 1.0) * 255.0), dtype=np.uint8)
