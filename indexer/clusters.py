"""Which cluster of an index each row lies in, and how many clusters a filtered search visits."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from indexer.rows import RowSet

__all__ = ["ClusterMap", "clusters_at_first", "clusters_to_visit"]

Counts = NDArray[np.int64]

# Where a share d of the rows passes, d ** this as many of those have to be seen as of all rows
# without a filter: neighbours lie further apart then, but distances grow far more slowly than
# numbers. Measured (docs/performance.md).
_THINNING = 0.65


class ClusterMap:
    """The clusters of the rows 0 to n - 1.

    Args:
        of_row: `[n]` number of the cluster that a row lies in.
        clusters: How many there are.
    """

    def __init__(self, of_row: NDArray[np.int32], clusters: int) -> None:
        self._of_row = of_row
        self._clusters = clusters
        self._counted: WeakKeyDictionary[RowSet, Counts] = WeakKeyDictionary()
        self.sizes: Counts = np.bincount(of_row, minlength=clusters)

    def count(self, rows: RowSet) -> Counts:
        """How many of some rows lie in each cluster, `[clusters]`; kept as long as the set is."""
        counts = self._counted.get(rows)
        if counts is None:
            counts = np.bincount(self._of_row[rows.mask], minlength=self._clusters)
            self._counted[rows] = counts
        return counts


def clusters_at_first(breadth: int, share: float) -> int:
    """How many of the nearest clusters to rank before it is known which of them hold what passes.

    Twice as many as it takes if what passes is the same share, 0 to 1, everywhere.
    """
    return 2 * int(breadth * share ** (_THINNING - 1)) + 1


def clusters_to_visit(sizes: Counts, passing: Counts, rows: float, least: int) -> int | None:
    """How many of the clusters nearest to a query a filtered search must visit.

    An unfiltered search finds enough when it visits so many rows. How many of the rows that pass a
    filter have to be seen instead depends on how close together they lie, in the clusters that hold
    any: what passes overall says little, as when a colour goes with a kind of product.

    Args:
        sizes: `[m]` rows in the nearest clusters, nearest first.
        passing: `[m]` how many of them pass.
        rows: What an unfiltered search visits.
        least: Rows that pass which must be there in any case.

    Returns:
        1 to m, or None if it takes more clusters than these.
    """
    passed = np.cumsum(passing)
    # The share that passes in the clusters visited, each as often as it holds a row that passes.
    density = np.cumsum(passing**2 / np.maximum(sizes, 1)) / np.maximum(passed, 1)
    enough = (passed >= rows * density**_THINNING) & (passed >= max(least, 1))
    first = int(np.argmax(enough))
    return first + 1 if enough[first] else None
