"""Decoding of one query image: the bytes of a file in, the encoder's pixels out.

The decoding processes import this module, and nothing of the service.
"""

from __future__ import annotations

import math
import resource
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import AvifImagePlugin, Image

from embeddings import PixelArray, Preprocess
from embeddings.images import (
    DecodingCost,
    ImageLimits,
    check_bytes,
    check_memory,
    estimate_decoding,
    open_image,
    open_reduced,
)
from embeddings.vision import Examination
from indexer.image_loading import THUMBNAIL_SIDE

__all__ = [
    "ImageFile",
    "QueryDecodeTask",
    "QueryImage",
    "Region",
    "affordable_cost",
    "limit_decoder",
]

# A region narrower than this fraction of the image is decoded at full resolution: no reduction of
# the whole image leaves enough of it.
_SMALLEST_REDUCED = 0.01

# Bytes of address space that a decoding process may need besides those of an image: most of it for
# libraries that the first image loads, which touch little of it.
_SPARE_MEMORY = 3 * 2**28
# The same for detectors, which are loaded with the first image.
_DETECTOR_MEMORY = 2**31

Region = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions of an image's sides, 0 to 1."""


@dataclass(frozen=True)
class ImageFile:
    """An image file as received, and the region of it to search with; by default all of it."""

    data: bytes
    region: Region | None = None


@dataclass(frozen=True)
class QueryImage:
    """An image ready for the encoder; workers return nothing else, since it is small.

    Attributes:
        pixels: `[height, width, 3]`, of the image or of its region.
    """

    pixels: PixelArray


@dataclass(frozen=True)
class QueryDecodeTask:
    """Work of a decoding process on one image; picklable, and free of torch.

    Attributes:
        preprocess: Makes the encoder's pixels.
        limits: The largest image, in bytes and pixels.
        examination: What to look for in every image.
        max_memory: Most bytes that decoding an image may take, as estimated from its header.
    """

    preprocess: Preprocess
    limits: ImageLimits
    examination: Examination = field(default_factory=Examination)
    max_memory: int = 320 * 2**20

    @property
    def memory(self) -> int:
        """Bytes of address space for an image and a half, and for detectors where there are."""
        detectors = _DETECTOR_MEMORY if self.examination.key else 0
        return self.max_memory + self.max_memory // 2 + _SPARE_MEMORY + detectors

    def cost(self, file: ImageFile) -> DecodingCost:
        """Estimate what the image costs, before anything is decoded.

        Raises:
            ImageError: The image can't be used, or takes too much memory.
        """
        return affordable_cost(file.data, self.limits, self.max_memory)

    def __call__(self, file: ImageFile) -> QueryImage:
        """Decode, crop and preprocess; whole images exactly as `DecodePool` does a product's.

        Raises:
            ImageError: The image can't be used.
        """
        # A large JPEG is decoded at a reduced size, which is several times faster.
        needed = max(self.preprocess.least_side, THUMBNAIL_SIDE)
        if file.region is None:
            opened = open_reduced(file.data, limits=self.limits, target=needed)
            image = self.examination.encoded(opened.image)
            return QueryImage(self.preprocess(image, opened.reduction))
        left, top, right, bottom = file.region
        needed = math.ceil(needed / max(min(right - left, bottom - top), _SMALLEST_REDUCED))
        image = self.examination.encoded(open_image(file.data, limits=self.limits, target=needed))
        return QueryImage(self.preprocess(_crop(image, file.region)))


def affordable_cost(data: bytes, limits: ImageLimits, max_memory: int) -> DecodingCost:
    """Estimate what decoding an image costs, before anything is decoded.

    Args:
        data: The bytes of its file.
        limits: The largest image, in bytes and pixels.
        max_memory: Most bytes that decoding may take.

    Raises:
        ImageError: The image can't be used, or takes too much memory.
    """
    check_bytes(len(data), limits)
    cost = estimate_decoding(data, limits.max_pixels)
    check_memory(cost, max_memory)
    return cost


def limit_decoder(memory: int) -> None:
    """Prepare a decoding process: its address space may grow by what its task may take.

    An image that takes more than was estimated then fails alone, with a `MemoryError`.

    Args:
        memory: Bytes that the task may take, with the libraries that it loads.
    """
    # Each thread would reserve memory of its own, and take a processor from other images.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    with suppress(OSError, ValueError):  # there is no such file or limit on this system
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        size = pages * resource.getpagesize() + memory
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or size < hard:
            resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def _crop(image: Image.Image, region: Region) -> Image.Image:
    """Return a region of an image, at least one pixel."""
    (width, height), (left, top, right, bottom) = image.size, region
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    box = (x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height)))
    return image.crop(box)
