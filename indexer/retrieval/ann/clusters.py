"""Clusters of an IVF index: the cluster of each row, and how many a filtered search visits."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from indexer.storage import Mask, RowSet

__all__ = [
    "THINNING",
    "ClusterMap",
    "Holding",
    "clusters_at_first",
    "clusters_to_visit",
]

Counts = NDArray[np.int64]

# Where a share d of the rows passes a filter, a search must see d ** THINNING times as many rows
# that pass as it sees rows without a filter. Neighbours lie further apart then, but distances grow
# far more slowly than numbers.
THINNING = 0.65
"""Exponent of how many passing rows a filtered search must see. Measured (docs/performance.md)."""

# Share of the rows in a cluster, of a set, up to which the cluster is thin.
_THIN_CLUSTER = 0.05
# Sets of up to this share of the rows are sorted by cluster. It takes longest for wide ones, and in
# these few clusters are thin.
_SORTED_SHARE = 0.15


@dataclass(frozen=True, eq=False)
class Holding:
    """The clusters that hold any row of a set.

    Attributes:
        clusters: `[h]` their numbers, ascending.
        sizes: `[h]` rows in each.
        passing: `[h]` rows of the set in each, from 1.
        members: The rows of the set, cluster after cluster; None of a wide set.
    """

    clusters: Counts
    sizes: Counts
    passing: Counts
    members: Counts | None

    def rows(self, places: Counts) -> Counts:
        """Return the rows of the set in the clusters at some of the h places; needs `members`."""
        assert self.members is not None
        counts = self.passing[places]
        starts = (np.cumsum(self.passing) - self.passing)[places]
        before = np.cumsum(counts) - counts
        found: Counts = self.members[np.repeat(starts - before, counts) + np.arange(counts.sum())]
        return found

    def thin(self, places: Counts) -> Mask:
        """Return which of some places hold so few rows of the set that these are better compared.

        Comparing a row takes twenty times as long as comparing one of the codes in its cluster, of
        which all are compared. Of a wide set, no cluster counts as thin.
        """
        if self.members is None:
            return np.zeros(len(places), np.bool_)
        found: Mask = self.passing[places] <= _THIN_CLUSTER * self.sizes[places]
        return found

    @property
    def share(self) -> float:
        """Share of the rows in these clusters that are in the set, 0 to 1."""
        return float(self.passing.sum() / max(1, self.sizes.sum()))


class ClusterMap:
    """The clusters of the rows 0 to n - 1.

    Args:
        of_row: `[n]` number of the cluster that a row lies in; sets are sorted fastest by 16 bits.
        clusters: How many there are.
    """

    def __init__(self, of_row: NDArray[np.int32] | NDArray[np.uint16], clusters: int) -> None:
        self._of_row = of_row
        self._sizes: Counts = np.bincount(of_row, minlength=clusters)
        self._found: WeakKeyDictionary[RowSet, Holding] = WeakKeyDictionary()

    def share_in(self, rows: RowSet, clusters: Counts) -> float:
        """Return the share of the rows in some clusters that are in a set, 0 to 1."""
        holding = self.holding(rows)
        places = np.searchsorted(holding.clusters, clusters)
        places = places[np.isin(clusters, holding.clusters, assume_unique=True)]
        return float(holding.passing[places].sum() / max(1, self._sizes[clusters].sum()))

    def holding(self, rows: RowSet) -> Holding:
        """Return the clusters that hold any row of a set; cached while the set is in use."""
        found = self._found.get(rows)
        if found is None:
            passing = np.bincount(self._of_row[rows.mask], minlength=len(self._sizes))
            clusters = np.flatnonzero(passing)
            members = None
            if rows.share <= _SORTED_SHARE:
                members = rows.rows[np.argsort(self._of_row[rows.rows], kind="stable")]
            found = Holding(clusters, self._sizes[clusters], passing[clusters], members)
            self._found[rows] = found
        return found


def clusters_at_first(breadth: int, share: float) -> int:
    """Return how many of the nearest clusters to rank at first.

    These are twice as many as are visited if the share that passes, 0 to 1, is the same in all.
    """
    return 2 * int(breadth * max(share, 1e-9) ** (THINNING - 1)) + 1


def clusters_to_visit(sizes: Counts, passing: Counts, rows: float, least: int) -> int | None:
    """Return how many of the clusters nearest to a query a filtered search must visit.

    An unfiltered search finds enough when it visits `rows` rows. A filtered one has to see fewer
    rows that pass, the fewer the thinner they lie in the clusters that hold any. The share that
    passes overall says little, as when a colour goes with a kind of product.

    Args:
        sizes: `[m]` rows in the nearest clusters that hold any that pass, nearest first.
        passing: `[m]` how many of them pass, from 1.
        rows: How many rows an unfiltered search visits.
        least: How many rows that pass the clusters must hold in any case.

    Returns:
        1 to m, or None if more clusters than these are needed.
    """
    passed = np.cumsum(passing)
    # The mean share that passes in the clusters visited, weighted by the rows that pass.
    density = np.cumsum(passing**2 / sizes) / passed
    enough = (passed >= rows * density**THINNING) & (passed >= least)
    first = int(np.argmax(enough))
    return first + 1 if enough[first] else None
