"""Decode task: the bytes of one image in, the encoder's pixels, a thumbnail and colours out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from embeddings import PixelArray, Preprocess
from embeddings.images import REDUCIBLE, ImageLimits, open_reduced
from embeddings.vision import Examination
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
        findings: What an examination found, as `Findings.to_json` writes it; empty without one.
    """

    thumbnail: bytes
    colours: ColourArray
    findings: str = ""


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
        examination: What to look for in every image.
    """

    preprocess: Preprocess
    thumbnails: bool = True
    limits: ImageLimits = field(default_factory=ImageLimits)
    examination: Examination = field(default_factory=Examination)

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
        needed = max(
            self.preprocess.least_side,
            THUMBNAIL_SIDE if self.thumbnails else 0,
            self.examination.least_side,
        )
        limits = self.limits
        if alone:
            limits = replace(limits, max_pixels_in_scans=limits.max_pixels * REDUCIBLE)
        opened = open_reduced(data, limits=limits, target=needed)
        examined = self.examination(opened.image)
        thumbnail = examined.thumbnail(THUMBNAIL_SIDE) if self.thumbnails else b""
        pixels = self.preprocess(examined.encoded, opened.reduction)
        findings = "" if examined.findings is None else examined.findings.to_json()
        colours = measure_image(examined.encoded)
        return Decoded(pixels, ImageDetails(thumbnail, colours, findings))
