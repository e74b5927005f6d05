"""Decoded batch: the pixels of many images for the encoder, and what is kept of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from embeddings import ImageError, PixelArray
from indexer.image_loading.decode_task import ImageDetails

__all__ = ["BatchInDecoder", "DecodedBatch", "Outcome", "gather_pixels"]

Outcome = ImageDetails | ImageError
"""What became of one image."""


@dataclass(frozen=True)
class DecodedBatch:
    """A batch of images after decoding.

    Attributes:
        pixels: `[n, height, width, 3]` uint8 of the images that could be decoded, in their order;
            valid until `release` is called.
        outcomes: For every image of the batch, its thumbnail and colours or its error.
        release: To call once the pixels are no longer needed; gives their memory back.
    """

    pixels: PixelArray
    outcomes: Sequence[Outcome]
    release: Callable[[], None]


class BatchInDecoder(Protocol):
    """A batch under way in an `ImageDecoder`."""

    @property
    def ready(self) -> Future[None]:
        """Completes once `result` hardly needs to wait; from any thread."""

    def result(self) -> DecodedBatch:
        """Wait for the images; to call once.

        Raises:
            BuildError: No worker process starts.
        """


def gather_pixels(pixels: PixelArray, outcomes: Sequence[Outcome]) -> PixelArray:
    """Return the pixels of the images that could be decoded, moved together in place.

    Args:
        pixels: `[n, height, width, 3]` of all images of a batch.
        outcomes: Of these n images.
    """
    usable = [not isinstance(outcome, ImageError) for outcome in outcomes]
    if all(usable):
        return pixels
    count = sum(usable)
    pixels[:count] = pixels[usable]
    return pixels[:count]
