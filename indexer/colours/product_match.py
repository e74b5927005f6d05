"""Products found by a colour: how much of them has it, and how near they come to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.colours.dominant import unpack
from indexer.colours.lab import LabArray, ciede2000

__all__ = ["ProductColours", "nearness", "shares_within"]

# A difference of lightness alone is divided by this at most (CIEDE2000's S_L at black and white),
# so that colours which differ more need no further look.
_MOST_S_L = 1.75
# How fast nearness falls: a colour this far off counts for 0.6 of the right one.
_REACH = 10.0
# A product of which half is of the colour is as good as one that is all of it.
_ENOUGH = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ProductColours:
    """The colours of a segment's products.

    Attributes:
        colours: `[pictures, 5, 4]` uint8, as `MeasuredColours.to_array` gives them.
        owners: `[pictures]` int64, the product row of each, ascending.
        products: How many rows of products there are.
    """

    colours: NDArray[np.uint8]
    owners: NDArray[np.int64]
    products: int

    def having(self, lab: LabArray, within: float, share: float) -> NDArray[np.bool_]:
        """`[products]`: those with a picture of which a share is within a distance of a colour."""
        found = np.zeros(self.products, np.bool_)
        found[self.owners[shares_within(self.colours, lab, within) >= share]] = True
        return found

    def nearness(self, rows: NDArray[np.int64], lab: LabArray) -> Floats:
        """How near products come to a colour by their best picture, 0 to 1; `[n]`."""
        first = np.searchsorted(self.owners, rows)
        counts = np.searchsorted(self.owners, rows, side="right") - first
        owners = np.repeat(np.arange(len(rows)), counts)
        pictures = first[owners] + np.arange(len(owners)) - (np.cumsum(counts) - counts)[owners]
        best = np.zeros(len(rows), np.float32)
        np.maximum.at(best, owners, nearness(self.colours[pictures], lab))
        return best


def shares_within(colours: NDArray[np.uint8], lab: LabArray, within: float) -> Floats:
    """What share of each picture's product is of a colour.

    Args:
        colours: `[n, 5, 4]` measured colours.
        lab: `[3]` CIELAB.
        within: Colours that differ by so much at most count (CIEDE2000).

    Returns:
        `[n]`, 0 to 1; 0 where nothing was measured.
    """
    # Bytes are compared first: of L* to 255 steps, as colours are stored.
    apart = np.abs(colours[..., 0].astype(np.int16) - round(float(lab[0]) * 2.55))
    picture, place = np.nonzero((apart <= 2.55 * _MOST_S_L * within + 1) & (colours[..., 3] > 0))
    found, _ = unpack(colours[picture, place][:, np.newaxis])
    near = ciede2000(found[:, 0], lab) <= within
    totals = np.maximum(colours[..., 3].sum(axis=1, dtype=np.int32), 1)
    shares = np.bincount(
        picture[near], colours[picture[near], place[near], 3], minlength=len(colours)
    )
    return np.asarray(shares / totals, np.float32)


def nearness(colours: NDArray[np.uint8], lab: LabArray) -> Floats:
    """How near the products of pictures come to a colour; `[n]`, 0 to 1, for `[n, 5, 4]`.

    Every colour counts by its share and by a normal curve of its difference; products of which half
    is just the colour have 1.
    """
    found, shares = unpack(colours)
    near = np.exp(ciede2000(found, lab) ** 2 / (-2 * _REACH**2))
    return np.asarray(np.minimum((near * shares).sum(axis=1) / _ENOUGH, 1), np.float32)
