"""Safe image decoding: bytes of untrusted images in, checked Pillow images out."""

from __future__ import annotations

from embeddings.images.decoding import ImageLimits, open_image
from embeddings.images.reading import read_image
from embeddings.images.thumbnails import make_thumbnail

__all__ = ["ImageLimits", "make_thumbnail", "open_image", "read_image"]
