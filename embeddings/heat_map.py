"""Heat maps: the regions of an image that make it similar to a query, by occlusion saliency.

Windows of the image are covered one after another and each covered copy is embedded: the cosine to
the query falls where a window hides what the query is about. (M. Zeiler and R. Fergus, "Visualizing
and Understanding Convolutional Networks", 2014, section 4.2; averaged over overlapping windows of
several sizes as in V. Petsiuk et al., "RISE", 2018.) The method needs only a model's vectors, so it
works for any model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings.encoder import Encoder, FloatArray, PixelArray
from embeddings.preprocess import Preprocess

__all__ = [
    "HeatMap",
    "compute_heat_map",
    "heat_map_from_cosines",
    "heat_map_png",
    "occluded_pixels",
]

# Sides of the windows as shares of the image's sides, and how many windows stand along each side:
# 75 images are embedded, the uncovered one included. Small windows locate a region; large ones hide
# a product as a whole, of which the model needs only a part.
_WINDOWS = ((0.25, 7), (0.45, 5))
# Cells of the map along each side; every window is a whole number of them, or nearly.
_CELLS = 40
# A smaller effect on the cosine is a matter of rounding, and counts as none.
_LEAST_DROP = 1e-4
# Opacity of the map's colour where the heat is 1.
_STRONGEST_COLOUR = 0.75
# Share of the image's own colour that is left where the heat is 0; the rest fades to light grey.
_FADED = 0.35
# The colours of heat 0, 1/4, 1/2, 3/4 and 1: ColorBrewer's YlOrRd, which the colour-blind can read.
_STOPS = ((255, 255, 178), (254, 204, 92), (253, 141, 60), (240, 59, 32), (189, 0, 38))


@dataclass(frozen=True)
class HeatMap:
    """The regions of an image that are similar to a query.

    Attributes:
        values: `[40, 40]` float32 over the whole image, 0 (no effect) to 1 (the greatest effect);
            all 0 where no region has more effect than another.
        cosine: Of the whole image and the query.
        drop: How far that cosine falls under the window with the greatest effect; at least 0.
    """

    values: FloatArray
    cosine: float
    drop: float


def compute_heat_map(encoder: Encoder, image: Image.Image, query: FloatArray) -> HeatMap:
    """Find the regions of an image that make it similar to a query.

    Args:
        encoder: Embeds 75 images.
        image: RGB; a thumbnail is large enough.
        query: `[dim]`, of length 1.
    """
    pixels = occluded_pixels(encoder.preprocess, image)
    return heat_map_from_cosines(encoder.encode_images(pixels) @ query)


def occluded_pixels(preprocess: Preprocess, image: Image.Image) -> PixelArray:
    """Return an image and its copies with one window covered each, ready for an encoder.

    Windows are covered with the image's mean colour, which adds the least information.

    Returns:
        `[75, height, width, 3]`, the uncovered image first.
    """
    mean = tuple(int(value) for value in np.asarray(image).reshape(-1, 3).mean(axis=0))
    copies = (_covered(image, window, mean) for window in _windows())
    return np.stack([preprocess(each) for each in (image, *copies)])


def heat_map_from_cosines(cosines: FloatArray) -> HeatMap:
    """Return the map from the cosines `[75]` of `occluded_pixels` to the query."""
    drops = cosines[0] - cosines[1:]
    heat = np.zeros((_CELLS, _CELLS))
    for side, _ in _WINDOWS:
        total, count = np.zeros((_CELLS, _CELLS)), np.zeros((_CELLS, _CELLS))
        for drop, window in zip(drops, _windows(), strict=True):
            if window.side == side:
                total[window.cells] += drop
                count[window.cells] += 1
        heat += total / count
    heat = np.maximum(heat / len(_WINDOWS), 0)
    greatest = float(heat.max())
    heat = heat / greatest if greatest > _LEAST_DROP else np.zeros_like(heat)
    return HeatMap(heat.astype(np.float32), float(cosines[0]), max(0.0, float(drops.max())))


def heat_map_png(image: Image.Image, heat_map: HeatMap) -> bytes:
    """Draw a heat map over its image: faded where cold, from yellow to red where hot."""
    own = np.asarray(image, np.float32)
    grey = np.asarray(image.convert("L"), np.float32)[..., np.newaxis]
    scaled = Image.fromarray(heat_map.values).resize(image.size, Image.Resampling.BICUBIC)
    heat = np.clip(np.asarray(scaled), 0, 1)[..., np.newaxis]
    light_grey = 0.5 * grey + 127
    faded = _FADED * own + (1 - _FADED) * light_grey
    base = heat * own + (1 - heat) * faded
    opacity = _STRONGEST_COLOUR * heat
    mixed = opacity * _colours(heat[..., 0]) + (1 - opacity) * base
    out = BytesIO()
    Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True)
class _Window:
    """A square part of an image, in shares of its sides."""

    side: float
    left: float
    top: float

    @property
    def cells(self) -> tuple[slice, slice]:
        """The rows and columns of the map that the window covers."""
        return _cells(self.top, self.side), _cells(self.left, self.side)


def _windows() -> Iterator[_Window]:
    for side, count in _WINDOWS:
        starts = np.linspace(0, 1 - side, count).tolist()
        yield from (_Window(side, left, top) for top in starts for left in starts)


def _cells(start: float, side: float) -> slice:
    return slice(round(start * _CELLS), round((start + side) * _CELLS))


def _covered(image: Image.Image, window: _Window, colour: tuple[int, ...]) -> Image.Image:
    width, height = image.size
    left, top = round(window.left * width), round(window.top * height)
    right = max(round((window.left + window.side) * width), left + 1)
    bottom = max(round((window.top + window.side) * height), top + 1)
    copy = image.copy()
    copy.paste(colour, (left, top, right, bottom))
    return copy


def _colours(heat: FloatArray) -> NDArray[np.float64]:
    """Return the colours `[height, width, 3]` of heat `[height, width]`, 0 to 1."""
    places = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(heat, places, stops) for stops in np.array(_STOPS, np.float32).T]
    return np.stack(channels, axis=-1)
