"""Decoding of a product's image: the bytes of a file in; pixels, thumbnail and colours out.

The decoding processes import this module, and nothing of the service.
"""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.images import DecodingCost
from indexer.image_loading import Decoded, DecodeTask
from search_api.service.serving import affordable_cost

__all__ = ["ItemDecodeTask"]

# Bytes of address space for libraries and detectors, besides those of an image.
_SPARE_MEMORY = 3 * 2**28 + 2**31


@dataclass(frozen=True)
class ItemDecodeTask:
    """Work of a decoding process on one image of a product; picklable, and free of torch.

    Attributes:
        task: What a build does with an image.
        max_memory: Most bytes that decoding an image may take, as estimated from its header.
    """

    task: DecodeTask
    max_memory: int

    @property
    def memory(self) -> int:
        """Bytes of address space for an image and a half, and for detectors."""
        return self.max_memory + self.max_memory // 2 + _SPARE_MEMORY

    def cost(self, file: bytes) -> DecodingCost:
        """Estimate what the image costs, before anything is decoded.

        Raises:
            ImageError: The image can't be used, or takes too much memory.
        """
        return affordable_cost(file, self.task.limits, self.max_memory)

    def __call__(self, file: bytes) -> Decoded:
        """Decode one image as a build does.

        Raises:
            ImageError: The image can't be used.
        """
        return self.task(file)
