"""Safe image decoding: bytes of untrusted pictures in, checked Pillow images out."""

from __future__ import annotations

from embeddings.images.decoding import ImageLimits, make_thumbnail, open_image, read_image

__all__ = ["ImageLimits", "make_thumbnail", "open_image", "read_image"]
