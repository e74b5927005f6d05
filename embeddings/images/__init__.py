"""Safe image decoding: bytes of untrusted images in, checked Pillow images out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from embeddings.images.containers import REDUCIBLE
    from embeddings.images.decoding import ImageLimits, open_image, open_reduced
    from embeddings.images.reading import read_image
    from embeddings.images.reduction import ReducedImage, Reduction
    from embeddings.images.thumbnails import make_thumbnail
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "embeddings.images.containers": ("REDUCIBLE",),
            "embeddings.images.decoding": (
                "ImageLimits",
                "open_image",
                "open_reduced",
            ),
            "embeddings.images.reading": ("read_image",),
            "embeddings.images.reduction": (
                "ReducedImage",
                "Reduction",
            ),
            "embeddings.images.thumbnails": ("make_thumbnail",),
        },
    )

__all__ = [
    "REDUCIBLE",
    "ImageLimits",
    "ReducedImage",
    "Reduction",
    "make_thumbnail",
    "open_image",
    "open_reduced",
    "read_image",
]
