"""A product's dominant colours, measured in its picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.colours.foreground import product_region
from indexer.colours.lab import LabArray, lab_of

__all__ = ["MOST_COLOURS", "MeasuredColours", "measure_colours", "unpack"]

MOST_COLOURS = 5
# Pixels along the longer side that are looked at: more find the same colours.
_SIDE = 48
# Clusters nearer than this (Euclidean in CIELAB) are one colour in light and shade.
_SAME = 8.0
# Pixels are first counted in cells of CIELAB of this side, of which the fullest are taken.
_CELL = 10.0
_CELLS = 16
# How far from the middle of the product a pixel still counts much, in extents of the product.
_SPREAD = 0.3
# What covers less is noise, unless it is all there is.
_LEAST_SHARE = 0.03


@dataclass(frozen=True)
class MeasuredColours:
    """The dominant colours of a product, the greatest share first.

    Attributes:
        lab: `[n, 3]` float32 CIELAB (D50) colours, n from 1 to 5.
        shares: `[n]` float32, what part of the product each covers, its middle counted more than
            its ends; they sum to 1.
    """

    lab: LabArray
    shares: NDArray[np.float32]

    def to_array(self) -> NDArray[np.uint8]:
        """The compact form, `[5, 4]` uint8.

        A row is L* (255 is 100), a* + 128, b* + 128 and the share (255 is all); rows beyond the
        colours are 0. Colours are rounded by less than an eye can tell.
        """
        rows = np.zeros((MOST_COLOURS, 4), np.uint8)
        coded = np.column_stack(
            [self.lab[:, 0] * 2.55, self.lab[:, 1:] + 128, np.maximum(self.shares * 255, 1)]
        )
        rows[: len(coded)] = np.clip(np.rint(coded), 0, 255).astype(np.uint8)
        return rows

    @classmethod
    def from_array(cls, rows: NDArray[np.uint8]) -> MeasuredColours | None:
        """Read the compact form; None where every row is 0, which stands for "not measured".

        Raises:
            ValueError: if the array is not `[5, 4]` of uint8.
        """
        if rows.shape != (MOST_COLOURS, 4) or rows.dtype != np.uint8:
            raise ValueError(
                f"measured colours are [{MOST_COLOURS}, 4] uint8, not {rows.shape} {rows.dtype}"
            )
        lab, shares = unpack(rows)
        used = shares > 0
        return cls(lab[used], shares[used]) if used.any() else None


def unpack(rows: NDArray[np.uint8]) -> tuple[LabArray, NDArray[np.float32]]:
    """The colours of many compact forms at once.

    Args:
        rows: `[..., 5, 4]` uint8, as `MeasuredColours.to_array` gives them.

    Returns:
        `[..., 5, 3]` CIELAB colours and `[..., 5]` shares, which sum to 1, or 0 if not measured.
    """
    lab = rows[..., :3].astype(np.float32)
    lab[..., 0] /= np.float32(2.55)
    lab[..., 1:] -= 128
    shares = rows[..., 3].astype(np.float32)
    shares /= np.maximum(shares.sum(axis=-1, keepdims=True), 1)
    return lab, shares


def measure_colours(pixels: NDArray[np.uint8]) -> MeasuredColours:
    """Measure the dominant colours of the product in a picture.

    The background is set aside (`foreground`), and what is left is clustered in CIELAB,
    until few clusters are left and none are one colour in light and shade.

    Args:
        pixels: `[height, width, 3]` uint8 sRGB: a thumbnail, or what a model is given.

    Raises:
        ValueError: if the pixels have another shape or type, or there are none.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(f"pixels are [height, width, 3] uint8, not {pixels.shape} {pixels.dtype}")
    lab = lab_of(_small(pixels))
    region = product_region(lab)
    return _dominant(lab[region], _centrality(region)[region])


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    ratio = max(height, width) / _SIDE
    if ratio <= 1:
        return pixels
    size = (max(1, round(width / ratio)), max(1, round(height / ratio)))
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
    return np.asarray(image)


def _centrality(region: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much each pixel counts: what is sold lies in the middle, hair and shoes at the ends."""
    down, across = (
        _from_middle(np.flatnonzero(region.any(axis=axis)), region.shape[1 - axis])
        for axis in (1, 0)
    )
    squares = down[:, None] ** 2 + across**2
    return np.exp(squares / (-2 * _SPREAD**2)).astype(np.float32)


def _from_middle(used: NDArray[np.intp], length: int) -> NDArray[np.float64]:
    """Places along an axis, in extents of the region from its middle."""
    first, last = int(used[0]), int(used[-1])
    return (np.arange(length) - (first + last) / 2) / (last - first + 1)


def _dominant(colours: LabArray, importance: NDArray[np.float32]) -> MeasuredColours:
    """The dominant ones of `[n, 3]` colours, each counted by its importance."""
    lab, weights = _merged(*_counted(colours, importance))
    kept = weights >= min(_LEAST_SHARE, weights.max())
    order = np.argsort(-weights[kept], kind="stable")
    shares = (weights[kept] / weights[kept].sum())[order]
    return MeasuredColours(lab[kept][order].astype(np.float32), shares.astype(np.float32))


def _counted(
    colours: LabArray, importance: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The fullest cells of CIELAB: means `[m, 3]` and weights `[m]`, which sum to 1.

    Greys are the middle of a cell, so that they are not split. What falls into emptier cells goes
    to the nearest of these.
    """
    cells = np.rint(colours / _CELL).astype(np.int32) + 16  # from -13 to 13 in all three
    codes = (cells[:, 0] << 10) | (cells[:, 1] << 5) | cells[:, 2]
    filled, numbers = np.unique(codes, return_inverse=True)
    sums = _sums(numbers, colours, importance, len(filled))
    if len(filled) > _CELLS:
        means = sums[:, :3] / sums[:, 3:]
        fullest = np.argpartition(-sums[:, 3], _CELLS)[:_CELLS]
        goal = ((means[:, None] - means[fullest]) ** 2).sum(axis=2).argmin(axis=1)
        gathered = np.zeros((_CELLS, 4))
        np.add.at(gathered, goal, sums)
        sums = gathered
    return sums[:, :3] / sums[:, 3:], sums[:, 3] / sums[:, 3].sum()


def _sums(
    numbers: NDArray[np.intp], colours: LabArray, importance: NDArray[np.float32], count: int
) -> NDArray[np.float64]:
    """Of each cell the weighted sum of colours and the sum of weights; `[count, 4]`."""
    columns = [colours[:, channel] * importance for channel in range(3)]
    return np.stack(
        [np.bincount(numbers, column, count) for column in (*columns, importance)], axis=1
    )


def _merged(
    lab: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put two together, those first whose union varies least, until few are left and lie apart.

    The rise of the variance within clusters is Ward's criterion (J. H. Ward, "Hierarchical grouping
    to optimize an objective function", 1963).
    """
    while len(lab) > 1:
        apart = np.sum((lab[:, None] - lab[None]) ** 2, axis=2)
        rise = apart * (weights[:, None] * weights / (weights[:, None] + weights))
        if len(lab) <= MOST_COLOURS:
            rise = np.where(apart < _SAME**2, rise, np.inf)
        rise[np.diag_indices(len(lab))] = np.inf
        i, j = divmod(int(rise.argmin()), len(lab))
        if rise[i, j] == np.inf:
            break
        both = weights[i] + weights[j]
        lab[i] = (lab[i] * weights[i] + lab[j] * weights[j]) / both
        weights[i] = both
        lab, weights = np.delete(lab, j, axis=0), np.delete(weights, j)
    return lab, weights
