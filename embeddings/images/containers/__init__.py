"""Structure checks of image files, made before any decoder reads them."""

from __future__ import annotations

from embeddings.images.containers.base import Container, check_pixels
from embeddings.images.containers.exif import exif_orientation
from embeddings.images.containers.jpeg import REDUCIBLE, offer_more
from embeddings.images.containers.registry import FORMATS, unwrap

__all__ = [
    "FORMATS",
    "REDUCIBLE",
    "Container",
    "check_pixels",
    "exif_orientation",
    "offer_more",
    "unwrap",
]
