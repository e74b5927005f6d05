"""Comparison of pairs of thumbnails: alignment, then five measures of the pixel differences.

The thresholds were set on the 9,000 images of `fashion-train-0000` (60 x 80 pixels) and copies of
400 of them that were saved again, scaled, cropped and mirrored, by looking at the pairs around each
threshold (docs/duplicates.md). The alignment is that of Lucas and Kanade (1981, "An iterative image
registration technique with an application to stereo vision"), over the four edges of the crop.

OpenCV has an alignment too (`findTransformECC`), but adds 40 to 60 MB for this one function, and
the thresholds were set on this code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

__all__ = ["MAX_CUT", "UNALTERED_CUT", "ComparedImage", "Difference", "Pair", "Window", "compare"]

Window = tuple[float, float, float, float]
"""Left, top, right and bottom edge of a part of an image, as shares of its sides, 0 to 1."""

MAX_CUT = 0.12
"""Largest crop at one edge, as a share of the side."""

UNALTERED_CUT = 0.015
"""Largest crop at one edge that rounding of sizes explains, as a share of the side."""

# Alignment: Gauss-Newton steps at most, side in pixels of the square images that are aligned, and
# the largest move of an edge in one step, as a share of the side.
_MAX_STEPS = 5
_ALIGN_SIDE = 32
_MAX_MOVE = 0.03
# Damping of the normal equations, for images without edges in one direction: relative to their
# mean diagonal, and absolute.
_RELATIVE_DAMPING = 1e-3
_ABSOLUTE_DAMPING = 1e-6

# Images are compared as squares whose side is this share of the smaller image's shorter side,
# within bounds in pixels: the detail that a scaled and compressed copy keeps.
_KEPT_DETAIL = 0.7
_MIN_SIDE, _MAX_SIDE = 16, 64

# Grey levels (0 to 255) from which a pixel differs from the background of its image.
_OFF_BACKGROUND = 24

# Limits of the five measures; 97% of the copies stay below 1.15 times each.
# Mean difference of the worst patch, in grey levels: another print, label or shade.
_MAX_PATCH_DIFF = 15.0
# Mean difference of the worst 1% of the pixels, in grey levels.
_MAX_WORST_PIXELS_DIFF = 18.0
# Ratio of the worst patch to the median of the patches that differ: compression errs everywhere,
# another shade of lipstick in one place.
_MAX_PATCH_RATIO = 5.9
# Root mean square difference of the pixels off the background, in grey levels.
_MAX_OBJECT_DIFF = 2.6
# Difference of the mean colours off the background, in grey levels of the worst channel.
_MAX_COLOUR_DIFF = 3.5

# Grey levels from which a patch counts as different: for the median of `_MAX_PATCH_RATIO`, and for
# that measure to be taken at all.
_PATCH_DIFFERS = 0.5
_PATCH_STANDS_OUT = 6.0
# Patches: side in pixels at least, and as a divisor of the images' side.
_MIN_PATCH, _PATCHES_PER_SIDE = 3, 10
# The worst pixels are one in this many.
_WORST_PIXELS = 100

Pixels = NDArray[np.float32]
Doubles = NDArray[np.float64]


class ComparedImage:
    """An image, with what its comparisons share.

    Args:
        image: RGB image.
    """

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self._drawn: dict[tuple[int, bool], Pixels] = {}

    @cached_property
    def grey(self) -> Image.Image:
        """Its luminance."""
        return self.image.convert("L")

    def aligned(self, *, mirrored: bool) -> Pixels:
        """Return the whole image as other images are aligned to it; `[side, side]` grey levels."""
        return self._draw_once(self.grey, _ALIGN_SIDE, mirrored=mirrored)

    def drawn(self, side: int, *, mirrored: bool) -> Pixels:
        """Return the whole image, `[side, side, 3]`."""
        return self._draw_once(self.image, side, mirrored=mirrored)

    def _draw_once(self, image: Image.Image, side: int, *, mirrored: bool) -> Pixels:
        key = (side if image is self.image else -side, mirrored)
        if key not in self._drawn:
            self._drawn[key] = _draw(ImageOps.mirror(image) if mirrored else image, side)
        return self._drawn[key]


@dataclass(frozen=True)
class Pair:
    """Two images to compare.

    Attributes:
        whole: An image.
        part: One that may be a part of it.
        start: Where in `whole` the part is, roughly.
        mirrored: Whether `part` is mirrored left to right.
    """

    whole: ComparedImage
    part: ComparedImage
    start: Window
    mirrored: bool


@dataclass(frozen=True)
class Difference:
    """The difference of two aligned images.

    Attributes:
        amount: The largest of the five measures, each as a multiple of its limit. 0 for equal
            pixels; about 1 for the effect of compression and scaling on a small image; mostly above
            2 for two photos of one thing.
        cut: The largest crop at any edge, as a share of the side.
    """

    amount: float
    cut: float


def compare(pairs: Sequence[Pair], max_amount: float = math.inf) -> list[Difference | None]:
    """Compare pairs of images, all at once.

    Args:
        pairs: The pairs; memory grows with their number, 50 KB for each.
        max_amount: Pairs that differ by more have the result None, without all of the measures.
    """
    windows = _align(pairs)
    sides = np.array([_side(pair) for pair in pairs], np.int64)
    found: list[Difference | None] = [None] * len(pairs)
    for side in np.unique(sides).tolist():
        chosen = np.flatnonzero(sides == side).tolist()
        first = np.stack([_draw(pairs[n].whole.image, side, windows[n]) for n in chosen])
        second = np.stack([pairs[n].part.drawn(side, mirrored=pairs[n].mirrored) for n in chosen])
        patches = _patch_differences(first, second)
        worst = patches.max((1, 2)) / _MAX_PATCH_DIFF
        for place in np.flatnonzero(worst <= max_amount).tolist():
            amount = _amount(first[place], second[place], patches[place])
            if amount <= max_amount:
                left, top, right, bottom = windows[chosen[place]].tolist()
                found[chosen[place]] = Difference(amount, max(left, top, 1 - right, 1 - bottom))
    return found


def _side(pair: Pair) -> int:
    """Return the side of the squares that are compared, in pixels."""
    shorter = min(*pair.whole.image.size, *pair.part.image.size)
    return round(min(_MAX_SIDE, max(_MIN_SIDE, _KEPT_DETAIL * shorter)))


def _draw(image: Image.Image, side: int, window: Sequence[float] | Doubles | None = None) -> Pixels:
    """Scale a window of an image to a square; `[side, side]` or `[side, side, 3]`."""
    if window is None:
        box = None
    else:
        left, top, right, bottom = map(float, window)
        box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    small = image.resize((side, side), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small, np.float32)


def _align(pairs: Sequence[Pair]) -> Doubles:
    """Find the window of each `whole` that is most like its `part`, by Gauss-Newton steps.

    Returns:
        `[n, 4]`: left, top, right and bottom edges, as shares of the sides.
    """
    target = np.stack([pair.part.aligned(mirrored=pair.mirrored) for pair in pairs])
    window = np.array([pair.start for pair in pairs], np.float64)
    drawn = _draw_windows(pairs, window)
    error = _mean_squares(drawn - target)
    # Pairs that the last step improved.
    active = np.arange(len(pairs))
    for _ in range(_MAX_STEPS):
        slopes = _slopes(drawn[active], window[active])
        square = slopes @ slopes.transpose(0, 2, 1)
        trace = np.trace(square, axis1=1, axis2=2)[:, np.newaxis, np.newaxis]
        square += np.eye(4, dtype=np.float32) * (_RELATIVE_DAMPING * trace / 4 + _ABSOLUTE_DAMPING)
        residual = (target[active] - drawn[active]).reshape(len(active), -1, 1)
        step = np.linalg.solve(square, slopes @ residual)[..., 0]
        moved = window[active].astype(np.float32) + np.clip(step, -_MAX_MOVE, _MAX_MOVE)
        moved = _bounded(moved.astype(np.float64))
        redrawn = _draw_windows([pairs[n] for n in active.tolist()], moved)
        new_error = _mean_squares(redrawn - target[active])
        better = new_error < error[active]
        active = active[better]
        if not len(active):
            break
        window[active], drawn[active] = moved[better], redrawn[better]
        error[active] = new_error[better]
    return window


def _draw_windows(pairs: Sequence[Pair], windows: Doubles) -> Pixels:
    """Return a window of each `whole` in grey, `[n, side, side]`."""
    return np.stack(
        [
            _draw(pair.whole.grey, _ALIGN_SIDE, window)
            for pair, window in zip(pairs, windows, strict=True)
        ]
    )


def _slopes(drawn: Pixels, window: Doubles) -> Pixels:
    """Change of each pixel as the left, top, right and bottom edge move; `[n, 4, pixels]`."""
    across = (np.arange(_ALIGN_SIDE, dtype=np.float32) + 0.5) / _ALIGN_SIDE
    extent = (window[:, 2:] - window[:, :2]).astype(np.float32)
    down, right = np.gradient(drawn, axis=(1, 2))
    right *= _ALIGN_SIDE / extent[:, 0, np.newaxis, np.newaxis]
    down *= _ALIGN_SIDE / extent[:, 1, np.newaxis, np.newaxis]
    out = np.empty((len(drawn), 4, _ALIGN_SIDE, _ALIGN_SIDE), np.float32)
    np.multiply(right, 1 - across, out=out[:, 0])
    np.multiply(down, (1 - across)[:, np.newaxis], out=out[:, 1])
    np.multiply(right, across, out=out[:, 2])
    np.multiply(down, across[:, np.newaxis], out=out[:, 3])
    return out.reshape(len(drawn), 4, -1)


def _bounded(windows: Doubles) -> Doubles:
    windows[:, :2] = np.clip(windows[:, :2], 0.0, MAX_CUT)
    windows[:, 2:] = np.clip(windows[:, 2:], 1 - MAX_CUT, 1.0)
    return windows


def _mean_squares(values: Pixels) -> Pixels:
    return np.asarray((values * values).mean((1, 2)))


def _amount(first: Pixels, second: Pixels, patches: Pixels) -> float:
    """The largest of the five measures, each divided by its limit.

    Args:
        first: `[side, side, 3]`.
        second: The same.
        patches: From `_patch_differences`.
    """
    raw = first - second
    tolerant = np.maximum(_outside_range(first, second), _outside_range(second, first))
    pixels = np.sort(tolerant.max(-1), axis=None)
    worst = float(pixels[-max(1, pixels.size // _WORST_PIXELS) :].mean())
    patch = float(patches.max())
    measures = [patch / _MAX_PATCH_DIFF, worst / _MAX_WORST_PIXELS_DIFF]
    if patch > _PATCH_STANDS_OUT:
        median = float(np.median(patches[patches > _PATCH_DIFFERS]))
        measures.append(patch / median / _MAX_PATCH_RATIO)
    # Off the background only: a small object on white differs in few pixels.
    object_pixels = _off_background(first) | _off_background(second)
    if object_pixels.any():
        difference = float(np.sqrt(np.mean(tolerant[object_pixels] ** 2)))
        colour = float(np.abs(raw[object_pixels].mean(0)).max())
        measures += [difference / _MAX_OBJECT_DIFF, colour / _MAX_COLOUR_DIFF]
    return max(measures)


def _off_background(pixels: Pixels) -> NDArray[np.bool_]:
    background = np.median(pixels, (0, 1))
    return np.asarray(np.abs(pixels - background).max(-1) > _OFF_BACKGROUND)


def _outside_range(first: Pixels, second: Pixels) -> Pixels:
    """How far each pixel is outside the range of the other image's 3 x 3 pixels around it.

    So edges that are shifted by less than a pixel, or less sharp, make no difference.
    """
    low = high = np.pad(second, ((1, 1), (1, 1), (0, 0)), "edge")
    low = np.minimum(np.minimum(low[:-2], low[1:-1]), low[2:])
    low = np.minimum(np.minimum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    high = np.maximum(np.maximum(high[:-2], high[1:-1]), high[2:])
    high = np.maximum(np.maximum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    return np.asarray(np.maximum(np.maximum(first - high, low - first), 0))


def _patch_differences(first: Pixels, second: Pixels) -> Pixels:
    """The mean difference of every patch, in its worst channel; `[n, places, places]`.

    Args:
        first: `[n, side, side, 3]`.
        second: The same.
    """
    side = max(_MIN_PATCH, first.shape[1] // _PATCHES_PER_SIDE)
    # A summed-area table.
    sums = np.pad(first - second, ((0, 0), (1, 0), (1, 0), (0, 0))).cumsum(1).cumsum(2)
    total = sums[:, side:, side:] - sums[:, :-side, side:]
    total += sums[:, :-side, :-side] - sums[:, side:, :-side]
    return np.asarray(np.abs(total / (side * side)).max(-1))
