"""Products by colour: how well they match it, how much of them has it, and how varied they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.colours.dominant import MAX_COLOURS, unpack
from indexer.colours.lab import LabArray, ciede2000
from indexer.colours.matching import colour_matching
from indexer.colours.points import ColourPoint

__all__ = ["ProductColours", "shares_within", "variety"]

# Largest divisor of a difference of lightness in CIEDE2000 (its S_L at black and white): colours
# whose lightness differs by more than this many times the limit need no exact comparison.
_MAX_S_L = 1.75
# Distance in the plane of a* and b* from which two colours are as different as any.
_VARIED = 60.0
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

    def match(
        self, point: ColourPoint, rows: NDArray[np.int64] | None = None
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Compute how well products match a colour, each by its best image.

        Args:
            point: The colour. For many colours it counts how varied the product's are.
            rows: `[n]` product rows; all by default.

        Returns:
            `[n]` matches, 0 to 1, and the row of the image that each is of: of images that match
            equally the first. A product without images matches by 0, and has -1.
        """
        wanted = np.arange(self.products) if rows is None else rows
        first = np.searchsorted(self.owners, wanted)
        counts = np.searchsorted(self.owners, wanted, side="right") - first
        places = np.repeat(np.arange(len(wanted)), counts)
        images = first[places] + np.arange(len(places)) - (np.cumsum(counts) - counts)[places]
        matches = self._of_images(point, None if rows is None else images)
        best = np.zeros(len(wanted), np.float32)
        best_images = np.full(len(wanted), -1, np.int64)
        # The best image of each product is written last, and of equal ones the first.
        order = np.lexsort((-images, matches))
        best[places[order]] = matches[order]
        best_images[places[order]] = images[order]
        return best, best_images

    def _of_images(self, point: ColourPoint, images: NDArray[np.int64] | None) -> Floats:
        """Return the matches of some images, or of all; `[images]`."""
        matching = colour_matching()
        colours = self.colours if images is None else self.colours[images]
        weights = self._weights if images is None else matching.weights(colours)
        if point.lab is None:
            return variety(colours, weights)
        return matching.match(colours, weights, point.lab)

    @cached_property
    def _weights(self) -> Floats:
        return colour_matching().weights(self.colours)


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


def variety(colours: NDArray[np.uint8], weights: Floats) -> Floats:
    """Compute how many-coloured each image's product is.

    It is Rao's quadratic entropy of hues (C. R. Rao, "Diversity and dissimilarity coefficients",
    1982): the expected distance of two colours of the product, drawn by their weights, in the plane
    of a* and b*. So light and shade of one colour, or black on white, are no variety.

    Args:
        colours: `[n, 5, 4]` measured colours.
        weights: `[n, 5]`, from `ColourMatching.weights`.

    Returns:
        `[n]`, 0 (one colour) to 1.
    """
    lab, _ = unpack(colours)
    plane = lab[..., 1:]
    apart = np.sqrt(((plane[:, :, np.newaxis] - plane[:, np.newaxis]) ** 2).sum(axis=-1))
    expected = np.einsum("ni,nij,nj->n", weights, np.minimum(apart, _VARIED), weights)
    return np.asarray(expected / (_VARIED * (1 - 1 / MAX_COLOURS)), np.float32)
