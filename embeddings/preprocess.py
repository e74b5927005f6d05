"""Preprocessing: an image in, the pixels that a model takes out.

It needs Pillow and numpy only, so that decoding workers start quickly and stay small.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Preprocess", "ResizeMode"]

_RESAMPLING = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


class ResizeMode(StrEnum):
    """How an image is fitted to the model's input size; the names are open_clip's."""

    SHORTEST = "shortest"  # shortest side to size, centre cropped
    LONGEST = "longest"  # longest side to size, padded
    SQUASH = "squash"  # both sides to size, shape lost


# Longer strips are cut to this ratio around their centre before scaling: a 1 x 10,000 image would
# otherwise be scaled to gigabytes, of which the crop keeps one square.
_MAX_ASPECT = 16


def _trim(image: Image.Image) -> Image.Image:
    limit = _MAX_ASPECT * min(image.size)
    width, height = min(image.width, limit), min(image.height, limit)
    if (width, height) == image.size:
        return image
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _resize(image: Image.Image, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
    return image if image.size == size else image.resize(size, resampling)


@dataclass(frozen=True)
class Preprocess:
    """The geometric half of a model's preprocessing; normalisation happens on the device.

    The result equals that of open_clip's evaluation transform before `ToTensor` (the tests compare
    them), so vectors equal those that open_clip computes.

    Attributes:
        size: (height, width) in pixels.
        mode: How the image is fitted to that size.
        interpolation: `bicubic` or `bilinear`.
        fill: Grey level, 0 to 255, of the padding in `LONGEST` mode.
    """

    size: tuple[int, int]
    mode: ResizeMode = ResizeMode.SHORTEST
    interpolation: str = "bicubic"
    fill: int = 0

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """Resize an RGB image; returns `[height, width, 3]`, uint8."""
        height, width = self.size
        if self.mode is ResizeMode.SQUASH:
            image = image.resize((width, height), self._resampling)
        elif self.mode is ResizeMode.LONGEST:
            image = self._pad(self._scale_longest(image))
        else:
            image = self._crop(self._scale_shortest(_trim(image)))
        return np.array(image, dtype=np.uint8)

    @property
    def _resampling(self) -> Image.Resampling:
        height, width = self.size
        if self.mode is ResizeMode.SHORTEST and height != width:
            return Image.Resampling.BICUBIC  # as open_clip does, whatever the config says
        return _RESAMPLING[self.interpolation]

    def _scale_longest(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        ratio = max(image.height / height, image.width / width)
        scaled = (max(1, round(image.width / ratio)), max(1, round(image.height / ratio)))
        return _resize(image, scaled, self._resampling)

    def _scale_shortest(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        if height == width:
            # torchvision's Resize, which open_clip uses for squares, rounds down.
            short = min(image.size)
            scaled = (int(width * image.width / short), int(height * image.height / short))
        else:
            ratio = min(image.height / height, image.width / width)
            scaled = (round(image.width / ratio), round(image.height / ratio))
        return _resize(image, scaled, self._resampling)

    def _pad(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        canvas = Image.new("RGB", (width, height), (self.fill,) * 3)
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        return canvas

    def _crop(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height))
