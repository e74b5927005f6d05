"""Which pixels of a picture are the product: what the border floods is background, skin is skin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.colours.lab import LabArray

__all__ = ["product_region"]

Mask = NDArray[np.bool_]

# A background colour makes up at least this share of the picture's border...
_BACKGROUND_SHARE = 0.2
# ...and takes in pixels this near to it, with shadows (L*) counted less. Fitted by accuracy on the
# training part of the fashion catalog: see docs/colours.md.
_TOLERANCE = 4.0
_SHADOW = 0.6
# A region smaller than this share of the picture is what a flood left by mistake.
_LEAST = 0.02
# Rounds of flooding along rows and columns; background with more corners than that is not one.
_ROUNDS = 6


def product_region(lab: LabArray) -> Mask:
    """Find the product.

    Colours that make up much of the border are background, and so is what can be reached from the
    border through pixels near such a colour. So a white shirt before white stays, as long as its
    outline shows. Where nothing is left, the middle of the picture is the product.

    Args:
        lab: CIELAB pixels, `[height, width, 3]`.

    Returns:
        `[height, width]`: true where the product is; true somewhere.
    """
    height, width = lab.shape[:2]
    like_background = _like_background(lab)
    edge = np.zeros((height, width), np.bool_)
    edge[[0, -1], :] = edge[:, [0, -1]] = True
    region = ~_flood(like_background, edge)
    least = max(1, int(_LEAST * region.size))
    if region.sum() < least:
        return _middle(height, width)
    inner = _inside(region)
    return inner if inner.sum() >= max(least, region.sum() // 3) else region


def _like_background(lab: LabArray) -> Mask:
    """Where a pixel is near one of the border's main colours."""
    border = np.concatenate([lab[0], lab[-1], lab[1:-1, 0], lab[1:-1, -1]])
    left = border
    near = np.zeros(lab.shape[:2], np.bool_)
    for _ in range(3):
        if len(left) < _BACKGROUND_SHARE * len(border):
            break
        colour = np.median(left, axis=0)
        taken = _distance(left, colour) < _TOLERANCE
        if taken.sum() >= _BACKGROUND_SHARE * len(border):
            near |= _distance(lab, left[taken].mean(axis=0)) < _TOLERANCE
            left = left[~taken]
        else:
            # The median of two colours may be neither: the lighter half has a median of its own.
            left = left[left[:, 0] >= colour[0]]
            if len(left) == 0:
                break
    return near


def _distance(lab: LabArray, colour: NDArray[np.floating]) -> NDArray[np.floating]:
    difference = lab - colour.astype(np.float32)
    difference[..., 0] *= _SHADOW
    return np.asarray(np.sqrt(np.einsum("...c,...c->...", difference, difference)))


def _flood(mask: Mask, seeds: Mask) -> Mask:
    """The part of a mask that is connected with seeds along rows and columns."""
    reached = mask & seeds
    count = -1
    for _ in range(_ROUNDS):
        reached = _along_rows(mask, reached)
        reached = _along_rows(mask.T, reached.T).T
        if (now := int(reached.sum())) == count:
            break
        count = now
    return reached


def _along_rows(mask: Mask, reached: Mask) -> Mask:
    """Every run of a row that holds a reached pixel, whole."""
    gaps = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int32)
    gaps[:, 1:] = ~mask
    gaps[:, 0] = 1
    runs = np.cumsum(gaps).reshape(gaps.shape)[:, 1:]
    hit = np.zeros(int(runs[-1, -1]) + 1, np.bool_)
    hit[runs[reached]] = True
    spread: Mask = mask & hit[runs]
    return spread


def _inside(region: Mask) -> Mask:
    """The region less its outline, where product and background blend."""
    inner = region.copy()
    inner[1:] &= region[:-1]
    inner[:-1] &= region[1:]
    inner[:, 1:] &= region[:, :-1]
    inner[:, :-1] &= region[:, 1:]
    return inner


def _middle(height: int, width: int) -> Mask:
    middle = np.zeros((height, width), np.bool_)
    middle[height // 4 : -(-3 * height // 4), width // 4 : -(-3 * width // 4)] = True
    if not middle.any():
        middle[...] = True
    return middle
