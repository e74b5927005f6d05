"""Dominant colours of a product, measured in its image by clustering in CIELAB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.colours.foreground import product_region
from indexer.colours.lab import LabArray, lab_of

__all__ = ["MAX_COLOURS", "MeasuredColours", "measure_colours", "unpack"]

MAX_COLOURS = 5
"""Number of dominant colours at most."""

# Longest side of the measured image, in pixels; more pixels give the same colours.
_SIDE = 48
# Clusters nearer than this are one colour in light and shade; Euclidean distance in CIELAB.
_SAME_COLOUR = 8.0
# Pixels are counted in cells of CIELAB with this side, and the fullest cells are clustered.
_CELL_SIDE = 10.0
_MAX_CELLS = 16
# Cells are numbered by 5 bits for each channel; this offset makes all coordinates positive: they
# are from -13 to 13.
_CELL_OFFSET = 16
# Standard deviation of a pixel's weight around the middle of the product, in extents of the
# product.
_SPREAD = 0.3
# A smaller share of the product is noise, unless it is the only colour.
_MIN_SHARE = 0.03
# The compact form: L* of 100, and a share of 1, are 255; a* and b* are shifted by 128.
_L_SCALE = 2.55
_SHARE_SCALE = 255
_AB_OFFSET = 128


@dataclass(frozen=True)
class MeasuredColours:
    """The dominant colours of a product, largest share first.

    Attributes:
        lab: `[n, 3]` float32 CIELAB (D50) colours, n from 1 to 5.
        shares: `[n]` float32, share of the product that each covers, with more weight on its
            middle; the sum is 1.
    """

    lab: LabArray
    shares: NDArray[np.float32]

    def to_array(self) -> NDArray[np.uint8]:
        """Return the compact form, `[5, 4]` uint8.

        A row is L* (255 is 100), a* + 128, b* + 128 and the share (255 is 1); unused rows are 0.
        The rounding of the colours is not visible.
        """
        rows = np.zeros((MAX_COLOURS, 4), np.uint8)
        coded = np.column_stack(
            [
                self.lab[:, 0] * _L_SCALE,
                self.lab[:, 1:] + _AB_OFFSET,
                np.maximum(self.shares * _SHARE_SCALE, 1),
            ]
        )
        rows[: len(coded)] = np.clip(np.rint(coded), 0, 255).astype(np.uint8)
        return rows

    @classmethod
    def from_array(cls, rows: NDArray[np.uint8]) -> MeasuredColours | None:
        """Read the compact form; None if all rows are 0, which means "not measured".

        Raises:
            ValueError: The array is not `[5, 4]` uint8.
        """
        if rows.shape != (MAX_COLOURS, 4) or rows.dtype != np.uint8:
            raise ValueError(
                f"measured colours are [{MAX_COLOURS}, 4] uint8, not {rows.shape} {rows.dtype}"
            )
        lab, shares = unpack(rows)
        used = shares > 0
        return cls(lab[used], shares[used]) if used.any() else None


def unpack(rows: NDArray[np.uint8]) -> tuple[LabArray, NDArray[np.float32]]:
    """Read many compact forms at once.

    Args:
        rows: `[..., 5, 4]` uint8, as from `MeasuredColours.to_array`.

    Returns:
        `[..., 5, 3]` CIELAB colours and `[..., 5]` shares, whose sum is 1, or 0 if not measured.
    """
    lab = rows[..., :3].astype(np.float32)
    lab[..., 0] /= np.float32(_L_SCALE)
    lab[..., 1:] -= _AB_OFFSET
    shares = rows[..., 3].astype(np.float32)
    shares /= np.maximum(shares.sum(axis=-1, keepdims=True), 1)
    return lab, shares


def measure_colours(pixels: NDArray[np.uint8]) -> MeasuredColours:
    """Measure the dominant colours of the product in an image.

    The background is removed (`indexer.colours.foreground`), and the rest is clustered in CIELAB
    until at most `MAX_COLOURS` clusters remain, none of which are one colour in light and shade.

    Args:
        pixels: `[height, width, 3]` uint8 sRGB.

    Raises:
        ValueError: The array has another shape or type, or is empty.
    """
    is_rgb = pixels.shape[2:] == (3,) and pixels.dtype == np.uint8
    if not is_rgb or not pixels.size:
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
    """Weight of each pixel: the product is in the middle, a model's hair and shoes at the ends."""
    down, across = (
        _from_middle(np.flatnonzero(region.any(axis=axis)), region.shape[1 - axis])
        for axis in (1, 0)
    )
    squares = down[:, None] ** 2 + across**2
    return np.exp(squares / (-2 * _SPREAD**2)).astype(np.float32)


def _from_middle(used: NDArray[np.intp], length: int) -> NDArray[np.float64]:
    """Distance of each place along an axis from the middle of the region, in its extents."""
    first, last = int(used[0]), int(used[-1])
    return (np.arange(length) - (first + last) / 2) / (last - first + 1)


def _dominant(colours: LabArray, importance: NDArray[np.float32]) -> MeasuredColours:
    """Cluster `[n, 3]` colours, weighted by their importance."""
    lab, weights = _merged(*_counted(colours, importance))
    kept = weights >= min(_MIN_SHARE, weights.max())
    order = np.argsort(-weights[kept], kind="stable")
    shares = (weights[kept] / weights[kept].sum())[order]
    return MeasuredColours(lab[kept][order].astype(np.float32), shares.astype(np.float32))


def _counted(
    colours: LabArray, importance: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the fullest cells of CIELAB: means `[m, 3]` and weights `[m]`, whose sum is 1.

    Greys are in the middle of a cell, so that they are not split. Pixels of other cells are added
    to the nearest of these.
    """
    cells = np.rint(colours / _CELL_SIDE).astype(np.int32) + _CELL_OFFSET
    codes = (cells[:, 0] << 10) | (cells[:, 1] << 5) | cells[:, 2]
    filled, numbers = np.unique(codes, return_inverse=True)
    sums = _sums(numbers, colours, importance, len(filled))
    if len(filled) > _MAX_CELLS:
        means = sums[:, :3] / sums[:, 3:]
        fullest = np.argpartition(-sums[:, 3], _MAX_CELLS)[:_MAX_CELLS]
        nearest = ((means[:, None] - means[fullest]) ** 2).sum(axis=2).argmin(axis=1)
        gathered = np.zeros((_MAX_CELLS, 4))
        np.add.at(gathered, nearest, sums)
        sums = gathered
    return sums[:, :3] / sums[:, 3:], sums[:, 3] / sums[:, 3].sum()


def _sums(
    numbers: NDArray[np.intp], colours: LabArray, importance: NDArray[np.float32], count: int
) -> NDArray[np.float64]:
    """Return each cell's weighted sum of colours and sum of weights; `[count, 4]`."""
    columns = [colours[:, channel] * importance for channel in range(3)]
    return np.stack(
        [np.bincount(numbers, column, count) for column in (*columns, importance)], axis=1
    )


def _merged(
    lab: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Merge the two clusters whose union varies least, until few remain and all are distinct.

    The increase of the variance within clusters is Ward's criterion (J. H. Ward, "Hierarchical
    grouping to optimize an objective function", 1963).
    """
    # Merged clusters stay in their rows, out of reach: deleting rows would take most of the time.
    count = left = len(lab)
    alive = np.ones(count, np.bool_)
    squares = np.sum((lab[:, None] - lab) ** 2, axis=2)
    increase = squares * (weights[:, None] * weights / (weights[:, None] + weights))
    np.fill_diagonal(increase, np.inf)
    while left > 1:
        allowed = increase
        if left <= MAX_COLOURS:
            allowed = np.where(squares < _SAME_COLOUR**2, increase, np.inf)
        i, j = divmod(int(allowed.argmin()), count)
        if allowed[i, j] == np.inf:
            break
        both = weights[i] + weights[j]
        lab[i] = (lab[i] * weights[i] + lab[j] * weights[j]) / both
        weights[i], weights[j] = both, 0.0
        alive[j] = False
        left -= 1
        distances = np.sum((lab - lab[i]) ** 2, axis=1)
        squares[i] = squares[:, i] = distances
        merging = np.where(alive, distances * (weights * both / (weights + both)), np.inf)
        merging[i] = np.inf
        increase[i] = increase[:, i] = merging
        increase[j] = increase[:, j] = np.inf
    return lab[alive], weights[alive]
