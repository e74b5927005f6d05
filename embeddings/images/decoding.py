"""Safe image decoding: bytes in, an upright RGB image out, or an `ImageError`.

Three steps come before the pixels. `embeddings.images.containers` checks the file's structure and
removes everything that doesn't affect the pixels; the decoder classes of `ALLOWED_FORMATS` are
called by name, so that no other Pillow plugin is ever tried; any exception of theirs becomes an
`ImageError`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

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
    BufferedImageError,
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from embeddings.images.containers import (
    FORMATS,
    REDUCIBLE,
    Container,
    check_pixels,
    exif_orientation,
    offer_more,
    unwrap,
)
from embeddings.images.reduction import ReducedImage, Reduction
from embeddings.images.rgb import to_rgb
from embeddings.images.strict_pillow import strict_decoding

__all__ = [
    "ALLOWED_FORMATS",
    "DEFAULT_LIMITS",
    "ImageLimits",
    "check_bytes",
    "open_image",
    "open_reduced",
]

ALLOWED_FORMATS: tuple[str, ...] = FORMATS
"""The formats that are read, by Pillow's names; everything else is refused."""

# Pillow's own guard against bombs (`Image.MAX_IMAGE_PIXELS`) warns above this many pixels, through
# a process-wide warning that can't be caught safely among threads; we stay below it.
_PILLOW_GUARD = 1024 * 1024 * 1024 // 4 // 3


def _open_heic(source: io.BytesIO) -> ImageFile:
    try:
        from pi_heif import HeifImageFile
    except ImportError:
        raise UnsupportedImageError(
            "the file is a HEIC image; install lookalike[heic] to read it, or send JPEG"
        ) from None
    opened: ImageFile = HeifImageFile(source)
    return opened


_DECODERS: dict[str, Callable[[io.BytesIO], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "AVIF": AvifImageFile,
    "HEIC": _open_heic,
}

# The operation that makes an image of EXIF orientation 2 to 8 upright (EXIF 2.32, 4.6.4, tag 274).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# libjpeg fills blocks that it has no data for with the middle of every channel's range.
_JPEG_FILLER = {127, 128}
# What is offered to a JPEG without an end marker: a decoder that lacks some bits of the last block
# takes them from here, and no bit has the same value in all of them.
_OFFERS = tuple(bytes((level,)) * 64 for level in (0x55, 0xAA, 0x33, 0xCC))


@dataclass(frozen=True)
class ImageLimits:
    """How large an image may be.

    Attributes:
        max_bytes: Size of the file. 32 MiB is more than phones and cameras write as JPEG.
        max_pixels: Width times height of what is decoded, checked before decoding; at most
            89,478,485, where Pillow's own guard begins. The default, 8192 x 6144, is the size of
            common phone sensors. Pillow holds 4 bytes per pixel and copy: we measured peaks from
            190 MB (JPEG) to 750 MB (WebP with transparency) at 49 million. A JPEG may declare four
            times as many: it is decoded at half its sides.
        max_pixels_in_scans: The same for a JPEG in several scans (progressive), which takes up to 6
            bytes of memory for each declared pixel, however much it is reduced; None for
            `max_pixels`.

    Raises:
        ValueError: A limit is below 1, or `max_pixels` above Pillow's guard.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = 48 * 2**20
    max_pixels_in_scans: int | None = None

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or not 1 <= self.max_pixels <= _PILLOW_GUARD:
            raise ValueError(
                f"max_bytes must be at least 1, and max_pixels from 1 to {_PILLOW_GUARD:,}"
            )


DEFAULT_LIMITS = ImageLimits()


def open_image(
    data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS, target: int | None = None
) -> Image.Image:
    """Decode an image: the first frame or page, upright, RGB, transparency on white.

    16-bit grey is scaled to 8 bits, and an embedded colour profile is applied: the pixels are sRGB,
    as a browser shows them. The result carries no metadata.

    Args:
        data: A file of one of `ALLOWED_FORMATS`.
        limits: How large it may be.
        target: The shortest side, in pixels, that is still of use. A JPEG at least twice as large
            is decoded at 1/2, 1/4 or 1/8 of its size, which is quicker and never below `target`.

    Raises:
        UnsupportedImageError: Not an image of an allowed format, or of a variety that can't be
            decoded faithfully.
        BrokenImageError: Damaged or cut short; no part of it is returned.
        ImageTooLargeError: Over one of the limits.
    """
    return open_reduced(data, limits=limits, target=target).image


def open_reduced(
    data: bytes, *, limits: ImageLimits = DEFAULT_LIMITS, target: int | None = None
) -> ReducedImage:
    """Decode an image as `open_image` does, and say how it was reduced.

    Raises:
        ImageError: As `open_image`.
    """
    check_bytes(len(data), limits)
    container = unwrap(data, limits.max_pixels)
    _check_scans(container, limits)
    try:
        with strict_decoding:
            return _upright_rgb(container, limits.max_pixels, target)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Only where this process has set Pillow's own guard below ours; the stricter one wins.
        raise ImageTooLargeError(
            f"the {container.format} image has too many pixels; scale it down and send it again"
        ) from None
    except MemoryError as error:
        raise ImageTooLargeError(
            f"the {container.format} image takes more memory than the decoder may use; scale it "
            "down, or save it as a baseline JPEG"
        ) from error
    except Exception as error:
        raise BrokenImageError(
            f"the {container.format} image is damaged, or of a kind that is not read; "
            "save it again as JPEG or PNG"
        ) from error


def _check_scans(container: Container, limits: ImageLimits) -> None:
    limit = limits.max_pixels_in_scans or limits.max_pixels
    if container.several_scans and container.width * container.height > limit:
        raise BufferedImageError(
            f"the image is a progressive JPEG of {container.width:,} x {container.height:,} "
            f"pixels, over the limit of {limit:,} pixels; scale it down, or save it as a baseline "
            "JPEG"
        )


def check_bytes(size: int, limits: ImageLimits) -> None:
    """Refuse a file of more bytes than `limits` allows.

    Raises:
        ImageTooLargeError: The file is over the limit.
    """
    if size > limits.max_bytes:
        raise ImageTooLargeError(
            f"the image has {size:,} bytes, over the limit of {limits.max_bytes:,} bytes; "
            "scale it down and send it again"
        )


def _upright_rgb(container: Container, max_pixels: int, target: int | None) -> ReducedImage:
    image, scale = _decode(container, max_pixels, target)
    if container.format == "JPEG" and (not container.ended or _ends_in_filler(image)):
        _check_jpeg_end(container, image, max_pixels, target)
    orientation, profile = container.orientation, container.profile
    if container.format == "AVIF":
        orientation = exif_orientation(image.info.get("exif", b""))
    if container.format in ("AVIF", "HEIC"):
        profile = image.info.get("icc_profile") or profile
    rgb = to_rgb(image, profile)
    if container.format == "GIF" and rgb.size != (container.width, container.height):
        canvas = Image.new("RGB", (container.width, container.height), "white")
        canvas.paste(rgb, container.offset)
        rgb = canvas
    reduction = None
    if scale > 1:
        reduction = Reduction.by(scale, (container.width, container.height), rgb.size)
    if orientation in _UPRIGHT:
        upright = _UPRIGHT[orientation]
        reduction = reduction and reduction.transposed(upright, rgb.size)
        rgb = rgb.transpose(upright)
    rgb.info = {}
    return ReducedImage(rgb, reduction)


def _decode(container: Container, max_pixels: int, target: int | None) -> tuple[Image.Image, int]:
    """Decode an image, and return it with the number that its sides were divided by."""
    image = _DECODERS[container.format](io.BytesIO(container.data))
    # The decoder may read another size than our check of the header; its own counts too.
    if not isinstance(image, JpegImageFile):
        check_pixels(*image.size, max_pixels)
        image.load()
        return image, 1
    check_pixels(*image.size, max_pixels * REDUCIBLE)
    width, height = image.size
    wanted = max(width, height) if target is None else max(target, 1)
    if width * height > max_pixels:
        wanted = min(wanted, width // 2, height // 2)
    scale = 1
    if drafted := image.draft(None, (wanted, wanted)):
        _, (_, _, reduced_width, _) = drafted  # exact, where the image has whole pixels
        scale = round(width / reduced_width)
    image.load()
    return image, scale


def _ends_in_filler(image: Image.Image) -> bool:
    last = image.getpixel((image.width - 1, image.height - 1))
    return set(last if isinstance(last, tuple) else (last,)) <= _JPEG_FILLER


def _check_jpeg_end(
    container: Container, image: Image.Image, max_pixels: int, target: int | None
) -> None:
    """Refuse a JPEG that was cut short and given a new end marker; see `offer_more`.

    Raises:
        BrokenImageError: The decoder used data that was not there before.
    """
    offers = [offer_more(container.data)]
    if not container.ended:
        offers += [offer_more(container.data, more) for more in _OFFERS]
    for data in offers:
        again, _ = _decode(replace(container, data=data), max_pixels, target)
        if ImageChops.difference(image, again).getbbox(alpha_only=False) is not None:
            raise BrokenImageError("the JPEG image is cut short; send the whole file again")
