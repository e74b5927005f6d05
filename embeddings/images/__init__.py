"""Safe image decoding: bytes of untrusted images in, checked Pillow images out."""

from __future__ import annotations

from embeddings.images.decoding import ImageLimits, open_image, open_reduced
from embeddings.images.reading import read_image
from embeddings.images.reduction import ReducedImage, Reduction
from embeddings.images.thumbnails import make_thumbnail

__all__ = [
    "ImageLimits",
    "ReducedImage",
    "Reduction",
    "make_thumbnail",
    "open_image",
    "open_reduced",
    "read_image",
]
