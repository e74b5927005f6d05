"""Which cluster of an index each row lies in, and how many clusters a filtered search visits."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from indexer.storage import RowSet

__all__ = ["ClusterMap", "Holding", "clusters_at_first", "clusters_to_visit"]

Counts = NDArray[np.int64]

# Where a share d of the rows passes, d ** this as many of those have to be seen as of all rows
# without a filter: neighbours lie further apart then, but distances grow far more slowly than
# numbers. Measured (docs/performance.md).
_THINNING = 0.65


@dataclass(frozen=True)
class Holding:
    """The clusters that hold any of some rows.

    Attributes:
        clusters: `[h]` their numbers, ascending.
        sizes: `[h]` rows in each.
        passing: `[h]` how many of those are among the rows, from 1.
    """

    clusters: Counts
    sizes: Counts
    passing: Counts

    @property
    def share(self) -> float:
        """Share of the rows in these clusters that are among the rows, 0 to 1."""
        return float(self.passing.sum() / max(1, self.sizes.sum()))


class ClusterMap:
    """The clusters of the rows 0 to n - 1.

    Args:
        of_row: `[n]` number of the cluster that a row lies in.
        clusters: How many there are.
    """

    def __init__(self, of_row: NDArray[np.int32], clusters: int) -> None:
        self._of_row = of_row
        self._sizes: Counts = np.bincount(of_row, minlength=clusters)
        self._found: WeakKeyDictionary[RowSet, Holding] = WeakKeyDictionary()

    def holding(self, rows: RowSet) -> Holding:
        """The clusters that hold some rows; remembered for as long as the set is there."""
        found = self._found.get(rows)
        if found is None:
            passing = np.bincount(self._of_row[rows.mask], minlength=len(self._sizes))
            clusters = np.flatnonzero(passing)
            found = Holding(clusters, self._sizes[clusters], passing[clusters])
            self._found[rows] = found
        return found


def clusters_at_first(breadth: int, share: float) -> int:
    """How many of the nearest clusters to look at first, to see how many it takes.

    Twice as many as it takes if the share of what passes, 0 to 1, is the same in all.
    """
    return 2 * int(breadth * max(share, 1e-9) ** (_THINNING - 1)) + 1


def clusters_to_visit(sizes: Counts, passing: Counts, rows: float, least: int) -> int | None:
    """How many of the clusters nearest to a query a filtered search must visit.

    An unfiltered search finds enough when it visits so many rows. How many of the rows that pass a
    filter have to be seen instead depends on how close together they lie, in the clusters that hold
    any: what passes overall says little, as when a colour goes with a kind of product.

    Args:
        sizes: `[m]` rows in the nearest clusters that hold any that pass, nearest first.
        passing: `[m]` how many of them pass, from 1.
        rows: What an unfiltered search visits.
        least: Rows that pass which must be there in any case.

    Returns:
        1 to m, or None if it takes more clusters than these.
    """
    passed = np.cumsum(passing)
    # The share that passes in the clusters visited, each as often as it holds a row that passes.
    density = np.cumsum(passing**2 / sizes) / passed
    enough = (passed >= rows * density**_THINNING) & (passed >= least)
    first = int(np.argmax(enough))
    return first + 1 if enough[first] else None
