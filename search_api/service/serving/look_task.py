"""Looking into one image: the bytes of a file in, what a detector finds out.

The processes that look import this module, and nothing of the service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PIL import Image

from embeddings.images import DecodingCost, ImageLimits, open_image
from embeddings.vision import failing_alone
from search_api.service.serving.decode_task import affordable_cost

__all__ = ["Look", "LookTask"]

T = TypeVar("T")

# Sides of an image that is looked into: detectors see less than that.
_TARGET = 1600

# Bytes of address space for all detectors and what runs them. They reserve far more than they use.
_DETECTORS_MEMORY = 6 * 2**30


@dataclass(frozen=True)
class Look(Generic[T]):
    """An image file, and the detector that looks into it; the detector is found by its name."""

    find: Callable[[Image.Image], T]
    data: bytes


@dataclass(frozen=True)
class LookTask:
    """Work of a process on one image; picklable.

    Attributes:
        limits: The largest image, in bytes and pixels.
        max_memory: Most bytes that decoding an image may take, as estimated from its header.
    """

    limits: ImageLimits
    max_memory: int

    @property
    def memory(self) -> int:
        """Bytes of address space for an image and the detectors."""
        return 2 * self.max_memory + _DETECTORS_MEMORY

    def cost(self, look: Look[Any]) -> DecodingCost:
        """Estimate what decoding the image costs.

        Raises:
            ImageError: The image can't be used, or takes too much memory.
        """
        return affordable_cost(look.data, self.limits, self.max_memory)

    def __call__(self, look: Look[Any]) -> Any:
        """Decode the image, and return what the detector finds.

        Raises:
            ImageError: The image can't be used, or the detector failed at it.
            ModelError: The detector can't be used.
        """
        image = open_image(look.data, limits=self.limits, target=_TARGET)
        with failing_alone():
            return look.find(image)
