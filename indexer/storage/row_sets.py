"""Sets of rows: the rows that a search may find, and those that a generation has deleted."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mask", "RowSet", "format_ranges", "parse_ranges"]

Mask = NDArray[np.bool_]


class RowSet:
    """An immutable set of the rows 0 to n - 1, in the forms that a search needs.

    Each form is computed on first use.

    Args:
        mask: `[n]`, true for the rows in the set; must not change afterwards.
    """

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    @cached_property
    def count(self) -> int:
        """Number of rows in the set."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def share(self) -> float:
        """Share of all rows that are in the set, 0 to 1; 0 if there are no rows."""
        return self.count / max(1, len(self.mask))

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The rows in the set, ascending."""
        return np.flatnonzero(self.mask)

    @cached_property
    def bits(self) -> NDArray[np.uint8]:
        """One bit for each row, the lowest bit of a byte first."""
        return np.packbits(self.mask, bitorder="little")


def format_ranges(mask: Mask) -> str:
    """Write the true rows of a mask as text, such as `"3 7-12 40"`; both ends are included."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)
    return " ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in pairs)


def parse_ranges(text: str, rows: int) -> Mask:
    """Read the mask `[rows]` that `format_ranges` wrote.

    Raises:
        ValueError: The text is not such a list, or names rows that don't exist.
    """
    mask = np.zeros(rows, np.bool_)
    for part in text.split():
        first, _, last = part.partition("-")
        start, stop = int(first), int(last or first) + 1
        if not 0 <= start < stop <= rows:
            raise ValueError(f"rows {part} of {rows}")
        mask[start:stop] = True
    return mask
