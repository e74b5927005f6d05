"""Thumbnails: small WebP copies of decoded images."""

from __future__ import annotations

import io

from PIL import Image

__all__ = ["make_thumbnail"]

_WEBP_QUALITY = 80  # of 100

# libwebp's effort, 0 to 6. 2 takes half the time of its default 4, for 3% more bytes and 0.3 dB:
# docs/decisions/0025-overlapped-build.md.
_WEBP_METHOD = 2

# Pillow first reduces by a whole factor, to no less than this times the wanted size: quicker than
# the filter alone, and hardly different.
_REDUCING_GAP = 2.0


def make_thumbnail(image: Image.Image, longest: int = 320) -> bytes:
    """Encode a small copy as WebP, without metadata.

    Args:
        image: An RGB image, as `open_image` returns it.
        longest: The longest side, in pixels, at least 1; smaller images keep their size.

    Raises:
        ValueError: `longest` is below 1.
    """
    if longest < 1:
        raise ValueError(f"a thumbnail has at least one pixel, not {longest}")
    shrink = min(1.0, longest / max(image.size))
    size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP).convert("RGB")
    small.info = {}
    out = io.BytesIO()
    small.save(out, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_METHOD)
    return out.getvalue()
