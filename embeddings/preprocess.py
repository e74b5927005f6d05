"""From a picture to the pixels a model takes; Pillow and numpy only, so that workers stay light."""

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
    """How a picture is brought to the model's square; the names are open_clip's."""

    SHORTEST = "shortest"  # shortest side to size, centre cropped
    LONGEST = "longest"  # longest side to size, padded
    SQUASH = "squash"  # both sides to size, shape lost


# Longer strips are cut to this ratio around their centre before scaling: a 1 x 10,000 picture would
# otherwise be scaled to gigabytes, of which the crop keeps one square.
_MAX_ASPECT = 16


def _trim(image: Image.Image) -> Image.Image:
    limit = _MAX_ASPECT * min(image.size)
    width, height = min(image.width, limit), min(image.height, limit)
    if (width, height) == image.size:
        return image
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


@dataclass(frozen=True)
class Preprocess:
    """The geometric half of a model's preprocessing; normalisation happens on the device.

    Gives what open_clip's evaluation transform gives before `ToTensor` (checked in the tests), so a
    vector here is the vector open_clip would compute.

    Attributes:
        size: (height, width) in pixels.
        mode: How the picture meets that size.
        interpolation: `bicubic` or `bilinear`.
        fill: Grey level, 0 to 255, of the padding in `LONGEST` mode.
    """

    size: tuple[int, int]
    mode: ResizeMode = ResizeMode.SHORTEST
    interpolation: str = "bicubic"
    fill: int = 0

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """Resize an RGB picture; returns `[height, width, 3]`, uint8."""
        resample = _RESAMPLING[self.interpolation]
        height, width = self.size
        if self.mode is ResizeMode.SQUASH:
            image = image.resize((width, height), resample)
        elif self.mode is ResizeMode.LONGEST:
            image = self._pad(self._scale(image, longest=True), width, height)
        else:
            image = self._crop(self._scale(image, longest=False), width, height)
        return np.asarray(image, dtype=np.uint8)

    def _scale(self, image: Image.Image, *, longest: bool) -> Image.Image:
        height, width = self.size
        if not longest:
            image = _trim(image)
        ratios = (image.height / height, image.width / width)
        ratio = max(ratios) if longest else min(ratios)
        # torchvision's Resize, which open_clip uses for squares, cuts fractions off.
        whole = int if height == width and not longest else round
        scaled = (
            max(width if not longest else 1, whole(image.width / ratio)),
            max(height if not longest else 1, whole(image.height / ratio)),
        )
        if scaled == image.size:
            return image
        return image.resize(scaled, _RESAMPLING[self.interpolation])

    def _pad(self, image: Image.Image, width: int, height: int) -> Image.Image:
        canvas = Image.new("RGB", (width, height), (self.fill,) * 3)
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        return canvas

    @staticmethod
    def _crop(image: Image.Image, width: int, height: int) -> Image.Image:
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height))
