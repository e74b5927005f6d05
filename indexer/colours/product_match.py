"""Products by colour: the share of a product with a colour, and its nearness to a colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.colours.dominant import unpack
from indexer.colours.lab import LabArray, ciede2000

__all__ = ["ProductColours", "nearness", "shares_within"]

# Largest divisor of a difference of lightness in CIEDE2000 (its S_L at black and white): colours
# whose lightness differs by more than this many times the limit need no exact comparison.
_MAX_S_L = 1.75
# Standard deviation of nearness, in CIEDE2000: a colour this different counts for 0.6.
_NEARNESS_SPREAD = 10.0
# Share of a product with the exact colour from which its nearness is 1.
_FULL_SHARE = 0.5
# L* as stored: 100 is 255.
_L_SCALE = 2.55

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ProductColours:
    """The colours of a segment's products.

    Attributes:
        colours: `[images, 5, 4]` uint8, as from `MeasuredColours.to_array`.
        owners: `[images]` int64, the product row of each image, ascending.
        products: Number of product rows.
    """

    colours: NDArray[np.uint8]
    owners: NDArray[np.int64]
    products: int

    def having(self, lab: LabArray, within: float, share: float) -> NDArray[np.bool_]:
        """Select the products with an image of which a share has a colour.

        Args:
            lab: `[3]` CIELAB colour.
            within: Largest difference from the colour (CIEDE2000).
            share: Smallest share of the product, 0 to 1.

        Returns:
            `[products]`.
        """
        found = np.zeros(self.products, np.bool_)
        found[self.owners[shares_within(self.colours, lab, within) >= share]] = True
        return found

    def nearness(self, rows: NDArray[np.int64], lab: LabArray) -> Floats:
        """Compute the nearness of `[n]` product rows to a colour, by their best image.

        Returns:
            `[n]`, 0 to 1.
        """
        first = np.searchsorted(self.owners, rows)
        counts = np.searchsorted(self.owners, rows, side="right") - first
        owners = np.repeat(np.arange(len(rows)), counts)
        images = first[owners] + np.arange(len(owners)) - (np.cumsum(counts) - counts)[owners]
        best = np.zeros(len(rows), np.float32)
        np.maximum.at(best, owners, nearness(self.colours[images], lab))
        return best


def shares_within(colours: NDArray[np.uint8], lab: LabArray, within: float) -> Floats:
    """Compute the share of each image's product that has a colour.

    Args:
        colours: `[n, 5, 4]` measured colours.
        lab: `[3]` CIELAB colour.
        within: Largest difference from the colour (CIEDE2000).

    Returns:
        `[n]`, 0 to 1; 0 for an image that was not measured.
    """
    # The stored bytes of L* are compared first, which excludes most colours at little cost.
    difference = np.abs(colours[..., 0].astype(np.int16) - round(float(lab[0]) * _L_SCALE))
    possible = (difference <= _L_SCALE * _MAX_S_L * within + 1) & (colours[..., 3] > 0)
    image, place = np.nonzero(possible)
    found, _ = unpack(colours[image, place][:, np.newaxis])
    near = ciede2000(found[:, 0], lab) <= within
    totals = np.maximum(colours[..., 3].sum(axis=1, dtype=np.int32), 1)
    shares = np.bincount(image[near], colours[image[near], place[near], 3], minlength=len(colours))
    return np.asarray(shares / totals, np.float32)


def nearness(colours: NDArray[np.uint8], lab: LabArray) -> Floats:
    """Compute the nearness of each image's product to a colour.

    Each measured colour counts by its share, and by a normal curve of its difference.

    Args:
        colours: `[n, 5, 4]` measured colours.
        lab: `[3]` CIELAB colour.

    Returns:
        `[n]`, 0 to 1; 1 if half of the product has exactly the colour.
    """
    found, shares = unpack(colours)
    near = np.exp(ciede2000(found, lab) ** 2 / (-2 * _NEARNESS_SPREAD**2))
    return np.asarray(np.minimum((near * shares).sum(axis=1) / _FULL_SHARE, 1), np.float32)
