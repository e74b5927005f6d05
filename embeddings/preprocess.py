"""Preprocessing: an image in, the pixels that a model takes out.

It needs Pillow and numpy only, so that decoding workers start quickly and stay small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings.images import Reduction

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


# A reduced image keeps at least this times the model's size, so that the reduction hardly shows in
# the vectors; an image of 8 megapixels still decodes at a quarter for a model of 224 pixels.
# Measured in docs/decisions/0026-reduced-jpegs.md.
_REDUCING_GAP = 2.7


@dataclass(frozen=True)
class _View:
    """An image to resize: its size before it was reduced, and where that lies in the pixels."""

    image: Image.Image
    size: tuple[int, int]
    box: tuple[float, float, float, float] | None = None

    def trimmed(self) -> _View:
        """Cut the ends off a long strip."""
        limit = _MAX_ASPECT * min(self.size)
        width, height = min(self.size[0], limit), min(self.size[1], limit)
        if (width, height) == self.size:
            return self
        left, top = (self.size[0] - width) // 2, (self.size[1] - height) // 2
        if self.box is None:
            image = self.image.crop((left, top, left + width, top + height))
            return _View(image, (width, height))
        x, y, right, bottom = self.box
        across, down = (right - x) / self.size[0], (bottom - y) / self.size[1]
        x, y = x + left * across, y + top * down
        return _View(self.image, (width, height), (x, y, x + width * across, y + height * down))

    def resized(self, size: tuple[int, int], resampling: Image.Resampling) -> Image.Image:
        if self.box is None and self.image.size == size:
            return self.image
        return self.image.resize(size, resampling, box=self.box)


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

    @property
    def least_side(self) -> int:
        """The shortest side, in pixels, that a reduced image needs."""
        return math.ceil(_REDUCING_GAP * max(self.size))

    def __call__(self, image: Image.Image, reduction: Reduction | None = None) -> NDArray[np.uint8]:
        """Resize an RGB image; returns `[height, width, 3]`, uint8.

        Args:
            image: The image.
            reduction: How it was reduced while it was decoded. The result is then cut and rounded
                as for the full image.
        """
        view = _View(image, image.size)
        if reduction is not None:
            view = _View(image, reduction.full_size, reduction.box)
        height, width = self.size
        if self.mode is ResizeMode.SQUASH:
            resized = image.resize((width, height), self._resampling, box=view.box)
        elif self.mode is ResizeMode.LONGEST:
            resized = self._pad(self._scale_longest(view))
        else:
            resized = self._crop(self._scale_shortest(view.trimmed()))
        return np.array(resized, dtype=np.uint8)

    @property
    def _resampling(self) -> Image.Resampling:
        height, width = self.size
        if self.mode is ResizeMode.SHORTEST and height != width:
            return Image.Resampling.BICUBIC  # as open_clip does, whatever the config says
        return _RESAMPLING[self.interpolation]

    def _scale_longest(self, view: _View) -> Image.Image:
        height, width = self.size
        ratio = max(view.size[1] / height, view.size[0] / width)
        scaled = (max(1, round(view.size[0] / ratio)), max(1, round(view.size[1] / ratio)))
        return view.resized(scaled, self._resampling)

    def _scale_shortest(self, view: _View) -> Image.Image:
        height, width = self.size
        if height == width:
            # torchvision's Resize, which open_clip uses for squares, rounds down.
            short = min(view.size)
            scaled = (int(width * view.size[0] / short), int(height * view.size[1] / short))
        else:
            ratio = min(view.size[1] / height, view.size[0] / width)
            scaled = (round(view.size[0] / ratio), round(view.size[1] / ratio))
        return view.resized(scaled, self._resampling)

    def _pad(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        canvas = Image.new("RGB", (width, height), (self.fill,) * 3)
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        return canvas

    def _crop(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        return image.crop((left, top, left + width, top + height))
