"""Comparison of two thumbnails: alignment, then five measures of the pixel differences.

The thresholds were set on the 9,000 images of `fashion-train-0000` (60 x 80 pixels) and copies of
400 of them that were saved again, scaled, cropped and mirrored, by looking at the pairs around each
threshold (docs/duplicates.md). The alignment is that of Lucas and Kanade (1981, "An iterative image
registration technique with an application to stereo vision"), over the four edges of the crop.

OpenCV has an alignment too (`findTransformECC`), but adds 40 to 60 MB for this one function, and
the thresholds were set on this code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

__all__ = ["MAX_CUT", "UNALTERED_CUT", "Difference", "Window", "compare"]

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


def compare(whole: Image.Image, part: Image.Image, start: Window, *, mirrored: bool) -> Difference:
    """Compare an image with another one that may be a part of it.

    Args:
        whole: RGB image.
        part: RGB image.
        start: Where in `whole` the part is, roughly.
        mirrored: Whether `part` is mirrored left to right.
    """
    if mirrored:
        part = ImageOps.mirror(part)
    window = _align(whole, part, start)
    shorter = min(*whole.size, *part.size)
    side = round(min(_MAX_SIDE, max(_MIN_SIDE, _KEPT_DETAIL * shorter)))
    amount = _amount(_draw(whole, side, window), _draw(part, side))
    return Difference(amount, max(window[0], window[1], 1 - window[2], 1 - window[3]))


def _draw(image: Image.Image, side: int, window: Window = (0, 0, 1, 1)) -> Pixels:
    """Scale a window of an image to a square; `[side, side]` or `[side, side, 3]`."""
    left, top, right, bottom = window
    box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    small = image.resize((side, side), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small, np.float32)


def _align(whole: Image.Image, part: Image.Image, start: Window) -> Window:
    """Find the window of `whole` that is most like `part`, by Gauss-Newton steps on grey pixels."""
    whole, part = whole.convert("L"), part.convert("L")
    target = _draw(part, _ALIGN_SIDE)
    window = start
    drawn = _draw(whole, _ALIGN_SIDE, window)
    error = _mean_square(drawn - target)
    for _ in range(_MAX_STEPS):
        slopes = _slopes(drawn, window)
        square = slopes.T @ slopes
        square += np.eye(4) * (_RELATIVE_DAMPING * np.trace(square) / 4 + _ABSOLUTE_DAMPING)
        step = np.linalg.solve(square, slopes.T @ (target - drawn).ravel())
        moved = _bounded(window, np.clip(step, -_MAX_MOVE, _MAX_MOVE))
        redrawn = _draw(whole, _ALIGN_SIDE, moved)
        new_error = _mean_square(redrawn - target)
        if new_error >= error:
            break
        window, drawn, error = moved, redrawn, new_error
    return window


def _slopes(drawn: Pixels, window: Window) -> Pixels:
    """Change of each pixel as the left, top, right and bottom edge move; `[pixels, 4]`."""
    across = (np.arange(_ALIGN_SIDE, dtype=np.float32) + 0.5) / _ALIGN_SIDE
    down, right = np.gradient(drawn)
    down *= _ALIGN_SIDE / (window[3] - window[1])
    right *= _ALIGN_SIDE / (window[2] - window[0])
    edges = [
        right * (1 - across),
        down * (1 - across)[:, np.newaxis],
        right * across,
        down * across[:, np.newaxis],
    ]
    return np.stack(edges, -1).reshape(-1, 4)


def _bounded(window: Window, step: NDArray[np.floating]) -> Window:
    left, top, right, bottom = (float(edge + move) for edge, move in zip(window, step, strict=True))
    return (
        min(max(left, 0.0), MAX_CUT),
        min(max(top, 0.0), MAX_CUT),
        max(min(right, 1.0), 1 - MAX_CUT),
        max(min(bottom, 1.0), 1 - MAX_CUT),
    )


def _mean_square(values: Pixels) -> float:
    return float(np.mean(values * values))


def _amount(first: Pixels, second: Pixels) -> float:
    """The largest of the five measures, each divided by its limit."""
    raw = first - second
    tolerant = np.maximum(_outside_range(first, second), _outside_range(second, first))
    pixels = np.sort(tolerant.max(-1), axis=None)
    worst = float(pixels[-max(1, pixels.size // _WORST_PIXELS) :].mean())
    patches = np.abs(_patch_means(raw, max(_MIN_PATCH, len(raw) // _PATCHES_PER_SIDE))).max(-1)
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
    padded = np.pad(second, ((1, 1), (1, 1), (0, 0)), "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))
    low, high = around.min((-1, -2)), around.max((-1, -2))
    return np.asarray(np.maximum(np.maximum(first - high, low - first), 0))


def _patch_means(values: Pixels, side: int) -> Pixels:
    """The mean of every square of `side` x `side` pixels, by a summed-area table."""
    sums = np.pad(values, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(total / (side * side))
