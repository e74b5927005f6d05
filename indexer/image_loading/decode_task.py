"""Decode task: the bytes of one image in, the encoder's pixels, a thumbnail and colours out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from embeddings import PixelArray, Preprocess
from embeddings.images import REDUCIBLE, ImageLimits, make_thumbnail, open_reduced
from indexer.colours import ColourArray, measure_image

__all__ = ["THUMBNAIL_SIDE", "DecodeTask", "Decoded", "ImageDetails"]

# The longer side of a thumbnail, in pixels.
THUMBNAIL_SIDE = 320


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """What is kept of an image besides its vector.

    Attributes:
        thumbnail: A WebP file; empty where no thumbnail is wanted.
        colours: `[5, 4]`, the image's dominant colours.
    """

    thumbnail: bytes
    colours: ColourArray


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded image.

    Attributes:
        pixels: `[height, width, 3]` uint8, in the size of the encoder's input.
        details: Its thumbnail and colours.
    """

    pixels: PixelArray
    details: ImageDetails


@dataclass(frozen=True)
class DecodeTask:
    """Decodes one image after another. It is picklable and does not import torch.

    Attributes:
        preprocess: Makes the encoder's pixels.
        thumbnails: Make a thumbnail of every image.
        limits: The largest image, in bytes and pixels.
    """

    preprocess: Preprocess
    thumbnails: bool = True
    limits: ImageLimits = field(default_factory=ImageLimits)

    @property
    def pixels_shape(self) -> tuple[int, int, int]:
        """The shape of an image's pixels."""
        return (*self.preprocess.size, 3)

    def __call__(self, data: bytes, *, alone: bool = False) -> Decoded:
        """Decode one image.

        Args:
            data: The bytes of its file.
            alone: No other image that needs much memory is decoded meanwhile. A progressive JPEG
                may then have as many pixels as a baseline one.

        Raises:
            BufferedImageError: It has to be decoded alone.
            ImageError: It can't be used.
        """
        needed = max(self.preprocess.least_side, THUMBNAIL_SIDE if self.thumbnails else 0)
        limits = self.limits
        if alone:
            limits = replace(limits, max_pixels_in_scans=limits.max_pixels * REDUCIBLE)
        opened = open_reduced(data, limits=limits, target=needed)
        image = opened.image
        thumbnail = make_thumbnail(image, THUMBNAIL_SIDE) if self.thumbnails else b""
        pixels = self.preprocess(image, opened.reduction)
        return Decoded(pixels, ImageDetails(thumbnail, measure_image(image)))
