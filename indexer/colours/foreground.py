"""Foreground segmentation: the pixels of the product, by flood fill of the background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.colours.lab import LabArray

__all__ = ["product_region"]

Mask = NDArray[np.bool_]

# A colour is a background colour if it covers at least this share of the image's border.
_BACKGROUND_SHARE = 0.2
# Number of background colours at most.
_MAX_BACKGROUNDS = 3
# Largest distance of a background pixel from the background colour, Euclidean in CIELAB with L*
# multiplied by the weight below, since shadows differ in lightness. Both were fitted by accuracy on
# the training part of the fashion catalog (docs/colours.md).
_TOLERANCE = 4.0
_LIGHTNESS_WEIGHT = 0.6
# A smaller region, as a share of the image, is a remnant of the flood fill and not the product.
_MIN_REGION = 0.02
# The region without its outline is used if it keeps at least one in this many of its pixels.
_MAX_OUTLINE = 3
# Rounds of flood fill along rows and columns; a real background has no more corners than this.
_ROUNDS = 6


def product_region(lab: LabArray) -> Mask:
    """Find the pixels of the product.

    Colours that cover much of the border are background, and so are pixels near such a colour that
    are connected with the border. So a white shirt on white is kept, as long as its outline is
    visible. If nothing remains, the middle of the image is the product.

    Args:
        lab: `[height, width, 3]` CIELAB pixels.

    Returns:
        `[height, width]`, true for pixels of the product; at least one is true.
    """
    height, width = lab.shape[:2]
    like_background = _like_background(lab)
    edge = np.zeros((height, width), np.bool_)
    edge[[0, -1], :] = edge[:, [0, -1]] = True
    region = ~_flood(like_background, edge)
    least = max(1, int(_MIN_REGION * region.size))
    if region.sum() < least:
        return _middle(height, width)
    inner = _without_outline(region)
    return inner if inner.sum() >= max(least, region.sum() // _MAX_OUTLINE) else region


def _like_background(lab: LabArray) -> Mask:
    """Mark the pixels near one of the border's main colours."""
    border = np.concatenate([lab[0], lab[-1], lab[1:-1, 0], lab[1:-1, -1]])
    rest = border
    near = np.zeros(lab.shape[:2], np.bool_)
    for _ in range(_MAX_BACKGROUNDS):
        if len(rest) < _BACKGROUND_SHARE * len(border):
            break
        colour = np.median(rest, axis=0)
        alike = _distance(rest, colour) < _TOLERANCE
        if alike.sum() >= _BACKGROUND_SHARE * len(border):
            near |= _distance(lab, rest[alike].mean(axis=0)) < _TOLERANCE
            rest = rest[~alike]
        else:
            # The median of two colours may be neither of them; that of the lighter half is one.
            rest = rest[rest[:, 0] >= colour[0]]
            if len(rest) == 0:
                break
    return near


def _distance(lab: LabArray, colour: NDArray[np.floating]) -> NDArray[np.floating]:
    difference = lab - colour.astype(np.float32)
    difference[..., 0] *= _LIGHTNESS_WEIGHT
    return np.asarray(np.sqrt(np.einsum("...c,...c->...", difference, difference)))


def _flood(mask: Mask, seeds: Mask) -> Mask:
    """Return the part of a mask that is connected with seeds along rows and columns."""
    reached = mask & seeds
    rows, columns = _run_numbers(mask), _run_numbers(mask.T)
    count = -1
    for _ in range(_ROUNDS):
        reached = _whole_runs(mask, rows, reached)
        reached = _whole_runs(mask.T, columns, reached.T).T
        if (now := int(np.count_nonzero(reached))) == count:
            break
        count = now
    return reached


def _run_numbers(mask: Mask) -> NDArray[np.int32]:
    """Number the runs of true pixels in the rows of a mask, from 1 on; false pixels begin one."""
    gaps = np.ones((mask.shape[0], mask.shape[1] + 1), np.int32)
    gaps[:, 1:] = ~mask
    return np.cumsum(gaps, dtype=np.int32).reshape(gaps.shape)[:, 1:]


def _whole_runs(mask: Mask, runs: NDArray[np.int32], reached: Mask) -> Mask:
    """Return every run of a row that has a reached pixel, as a whole."""
    hit = np.zeros(int(runs[-1, -1]) + 1, np.bool_)
    hit[runs[reached]] = True
    spread: Mask = mask & hit[runs]
    return spread


def _without_outline(region: Mask) -> Mask:
    """Remove the outline of a region, where product and background blend."""
    inner = region.copy()
    inner[1:] &= region[:-1]
    inner[:-1] &= region[1:]
    inner[:, 1:] &= region[:, :-1]
    inner[:, :-1] &= region[:, 1:]
    return inner


def _middle(height: int, width: int) -> Mask:
    """Return the middle half of an image in both directions."""
    middle = np.zeros((height, width), np.bool_)
    middle[height // 4 : -(-3 * height // 4), width // 4 : -(-3 * width // 4)] = True
    if not middle.any():
        middle[...] = True
    return middle
