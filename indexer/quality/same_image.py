"""Whether two thumbnails show the same picture: aligned, then compared pixel by pixel.

The thresholds were set on the 9,000 pictures of `fashion-train-0000` (60 x 80 pixels) beside copies
of 400 of them saved anew, scaled, cropped and mirrored, by looking at the pairs around them
(docs/duplicates.md). The alignment is that of Lucas and Kanade (1981, "An iterative image
registration technique with an application to stereo vision"), over the four edges of the crop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

__all__ = ["MAX_CUT", "UNALTERED_CUT", "Difference", "Window", "compare"]

Window = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of a picture, as shares of its sides, 0 to 1."""

MAX_CUT = 0.12
"""The most that may be cut off at one edge, as a share of the side."""

UNALTERED_CUT = 0.015
"""What is cut off at an edge by no more than this is a rounding of sizes, not a crop."""

_STEPS = 5
_ALIGN_SIDE = 32
# Pictures are compared at this share of the smaller one's shorter side, within bounds: what a
# scaled and compressed copy keeps.
_KEPT, _MIN_SIDE, _MAX_SIDE = 0.7, 16, 64
# Grey levels (of 255) by which what is shown differs from the ground it is shown on.
_OFF_GROUND = 24
# Grey levels that each measure may reach; 97% of the copies stay below 1.15 times these.
_PATCH, _SHOWN, _WORST, _COLOUR = 15.0, 2.6, 18.0, 3.5
# A patch that differs by more grey levels than `_NOTICED` may differ by so many times more than the
# median of those that differ at all: compression errs all over a picture, another shade of lipstick
# in one place. 99% of the copies stay below 1.15 times that.
_NOTICED, _DIFFERS, _ALONE = 6.0, 0.5, 5.9

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Difference:
    """How two pictures differ once they are aligned.

    Attributes:
        amount: 0 for the same pixels; about 1 for what compression and scaling do to a small
            picture; two shots of the same thing are mostly above 2.
        cut: The most that is cut off at any edge, as a share of the side.
    """

    amount: float
    cut: float


def compare(whole: Image.Image, part: Image.Image, start: Window, *, mirrored: bool) -> Difference:
    """Compare a picture with another that may be a part of it.

    Args:
        whole: RGB.
        part: RGB.
        start: About which part of `whole` it is.
        mirrored: Whether `part` is turned left to right first.
    """
    if mirrored:
        part = ImageOps.mirror(part)
    window = _align(whole, part, start)
    shorter = min(*whole.size, *part.size)
    side = round(min(_MAX_SIDE, max(_MIN_SIDE, _KEPT * shorter)))
    amount = _amount(_draw(whole, side, window), _draw(part, side))
    return Difference(amount, max(window[0], window[1], 1 - window[2], 1 - window[3]))


def _draw(image: Image.Image, side: int, window: Window = (0, 0, 1, 1)) -> Pixels:
    left, top, right, bottom = window
    box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
    small = image.resize((side, side), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small, np.float32)


def _align(whole: Image.Image, part: Image.Image, start: Window) -> Window:
    """The window of `whole` that is most like `part`, by Gauss-Newton steps on grey pixels."""
    whole, part = whole.convert("L"), part.convert("L")
    target = _draw(part, _ALIGN_SIDE)
    window = start
    now = _draw(whole, _ALIGN_SIDE, window)
    error = _mean_square(now - target)
    across = (np.arange(_ALIGN_SIDE, dtype=np.float32) + 0.5) / _ALIGN_SIDE
    for _ in range(_STEPS):
        down, right = np.gradient(now)
        down *= _ALIGN_SIDE / (window[3] - window[1])
        right *= _ALIGN_SIDE / (window[2] - window[0])
        # How each pixel changes as the left, top, right and bottom edge move.
        slopes = np.stack(
            [
                right * (1 - across),
                down * (1 - across)[:, np.newaxis],
                right * across,
                down * across[:, np.newaxis],
            ],
            -1,
        ).reshape(-1, 4)
        square = slopes.T @ slopes
        # Damped, for pictures without edges in one direction.
        square += np.eye(4) * (1e-3 * np.trace(square) / 4 + 1e-6)
        step = np.linalg.solve(square, slopes.T @ (target - now).ravel())
        moved = _bounded(window, np.clip(step, -0.03, 0.03))
        then = _draw(whole, _ALIGN_SIDE, moved)
        after = _mean_square(then - target)
        if after >= error:
            break
        window, now, error = moved, then, after
    return window


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
    """The worst of five measures, each as a share of what it may reach."""
    raw = first - second
    beyond = np.maximum(_beyond(first, second), _beyond(second, first))
    worst = np.sort(beyond.max(-1), axis=None)
    patches = np.abs(_patches(raw, max(3, len(raw) // 10))).max(-1)
    most = float(patches.max())
    measures = [
        # A patch that is another: a print, a label, a shade.
        most / _PATCH,
        float(worst[-max(1, worst.size // 100) :].mean()) / _WORST,
    ]
    if most > _NOTICED:
        measures.append(most / float(np.median(patches[patches > _DIFFERS])) / _ALONE)
    shown = _off_ground(first) | _off_ground(second)
    if shown.any():
        # Only where something is shown: small things on white differ in few pixels.
        measures.append(float(np.sqrt(np.mean(beyond[shown] ** 2))) / _SHOWN)
        measures.append(float(np.abs(raw[shown].mean(0)).max()) / _COLOUR)
    return max(measures)


def _off_ground(pixels: Pixels) -> NDArray[np.bool_]:
    ground = np.median(pixels, (0, 1))
    return np.asarray(np.abs(pixels - ground).max(-1) > _OFF_GROUND)


def _beyond(first: Pixels, second: Pixels) -> Pixels:
    """By how much each pixel lies outside of what the other picture has in the 3 x 3 around it.

    Edges that are out of place by less than a pixel, or less sharp, cost nothing so.
    """
    edged = np.pad(second, ((1, 1), (1, 1), (0, 0)), "edge")
    around = np.lib.stride_tricks.sliding_window_view(edged, (3, 3), (0, 1))
    low, high = around.min((-1, -2)), around.max((-1, -2))
    return np.asarray(np.maximum(np.maximum(first - high, low - first), 0))


def _patches(values: Pixels, side: int) -> Pixels:
    """The mean of every square of `side` pixels."""
    sums = np.pad(values, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(total / (side * side))
