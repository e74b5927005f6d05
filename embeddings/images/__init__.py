"""Safe image decoding: bytes of untrusted images in, checked Pillow images out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from embeddings.images.containers import REDUCIBLE
    from embeddings.images.decoding import ImageLimits, check_bytes, open_image, open_reduced
    from embeddings.images.decoding_cost import DecodingCost, check_memory, estimate_decoding
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
                "check_bytes",
                "open_image",
                "open_reduced",
            ),
            "embeddings.images.decoding_cost": (
                "DecodingCost",
                "check_memory",
                "estimate_decoding",
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
    "DecodingCost",
    "ImageLimits",
    "ReducedImage",
    "Reduction",
    "check_bytes",
    "check_memory",
    "estimate_decoding",
    "make_thumbnail",
    "open_image",
    "open_reduced",
    "read_image",
]
