"""Heat maps: which regions of a picture carry its likeness to a query.

Windows of the picture are covered one after another, and the picture is embedded anew: where
covering costs likeness, there lies what was looked for. (M. Zeiler and R. Fergus, "Visualizing and
Understanding Convolutional Networks", 2014, section 4.2; averaged over overlapping windows of
several sizes as in V. Petsiuk et al., "RISE", 2018.) It asks nothing of a model but vectors, so
that it works for any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from embeddings.encoder import Encoder, FloatArray, PixelArray
from embeddings.preprocess import Preprocess

__all__ = ["HeatMap", "covered_pixels", "heat_map", "heat_of", "heat_png"]

# Sides of the windows as shares of the picture's, and how many stand along each side: 75 pictures
# are embedded, the whole one included. The small ones tell where, the large ones cover a thing
# whole, of which the model needs but a part.
_WINDOWS = ((0.25, 7), (0.45, 5))
# Cells of the map along each side; every window is a whole number of them, or nearly.
_CELLS = 40
# Below this the likeness changes by no more than rounding does.
_LEAST = 1e-4
# How much of the colour shows where the heat is greatest, and of the picture where there is none.
_STRONGEST, _FADED = 0.75, 0.35
# From cold to hot; by ColorBrewer's YlOrRd, which the colour-blind can read.
_STOPS = ((255, 255, 178), (254, 204, 92), (253, 141, 60), (240, 59, 32), (189, 0, 38))


@dataclass(frozen=True)
class HeatMap:
    """Where a picture is like a query.

    Attributes:
        heat: `[40, 40]` float32 over the whole picture, 0 (nothing there matters) to 1 (what
            matters most); all 0 where nothing does more than anything else.
        cosine: Of the whole picture and the query.
        drop: How much of that cosine is lost where most is lost.
    """

    heat: FloatArray
    cosine: float
    drop: float


def heat_map(encoder: Encoder, picture: Image.Image, vector: FloatArray) -> HeatMap:
    """Find the regions of a picture that make it like a query.

    Args:
        encoder: Embeds 75 pictures.
        picture: RGB; a thumbnail will do.
        vector: `[dim]`, of length 1: the query.
    """
    return heat_of(encoder.encode_images(covered_pixels(encoder.preprocess, picture)) @ vector)


def covered_pixels(preprocess: Preprocess, picture: Image.Image) -> PixelArray:
    """What an encoder is to embed: the picture, and the picture with each window covered.

    Returns:
        `[75, height, width, 3]`, the whole picture first.
    """
    cover = tuple(int(value) for value in np.asarray(picture).reshape(-1, 3).mean(axis=0))
    covered = (_covered(picture, window, cover) for window in _windows())
    return np.stack([preprocess(each) for each in (picture, *covered)])


def heat_of(cosines: FloatArray) -> HeatMap:
    """The map from the cosines `[75]` of `covered_pixels` to the query."""
    windows = [*_windows()]
    drops = cosines[0] - cosines[1:]
    heat = np.zeros((_CELLS, _CELLS))
    for side, _ in _WINDOWS:
        total, count = np.zeros((_CELLS, _CELLS)), np.zeros((_CELLS, _CELLS))
        for drop, (window, of_side) in zip(drops, _placed(windows), strict=True):
            if of_side == side:
                total[window] += drop
                count[window] += 1
        heat += total / count
    heat = np.maximum(heat / len(_WINDOWS), 0)
    greatest = float(heat.max())
    heat = heat / greatest if greatest > _LEAST else np.zeros_like(heat)
    return HeatMap(heat.astype(np.float32), float(cosines[0]), max(0.0, float(drops.max())))


@dataclass(frozen=True)
class _Window:
    side: float
    left: float
    top: float


def _windows() -> Iterator[_Window]:
    for side, count in _WINDOWS:
        starts = np.linspace(0, 1 - side, count).tolist()
        yield from (_Window(side, left, top) for top in starts for left in starts)


def _placed(windows: list[_Window]) -> Iterator[tuple[tuple[slice, slice], float]]:
    """The cells that each window covers, and its side."""
    for window in windows:
        yield (_cells(window.top, window.side), _cells(window.left, window.side)), window.side


def _cells(start: float, side: float) -> slice:
    return slice(round(start * _CELLS), round((start + side) * _CELLS))


def _covered(picture: Image.Image, window: _Window, colour: tuple[int, ...]) -> Image.Image:
    """The picture with a window of it in one colour: its own mean, which says least."""
    width, height = picture.size
    box = (
        round(window.left * width),
        round(window.top * height),
        max(round((window.left + window.side) * width), round(window.left * width) + 1),
        max(round((window.top + window.side) * height), round(window.top * height) + 1),
    )
    copy = picture.copy()
    copy.paste(colour, box)
    return copy


def heat_png(picture: Image.Image, heat: HeatMap) -> bytes:
    """The picture with its heat laid over: faded where cold, from yellow to red where hot."""
    grey = np.asarray(picture.convert("L"), np.float32)[..., np.newaxis]
    own = np.asarray(picture, np.float32)
    scaled = Image.fromarray(heat.heat).resize(picture.size, Image.Resampling.BICUBIC)
    warmth = np.clip(np.asarray(scaled), 0, 1)[..., np.newaxis]
    places = np.linspace(0, 1, len(_STOPS))
    stops = np.array(_STOPS, np.float32)
    colour = np.stack([np.interp(warmth[..., 0], places, stops[:, c]) for c in range(3)], axis=-1)
    faded = _FADED * own + (1 - _FADED) * (0.5 * grey + 127)
    base = warmth * own + (1 - warmth) * faded
    alpha = _STRONGEST * warmth
    mixed = alpha * colour + (1 - alpha) * base
    out = BytesIO()
    Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()
