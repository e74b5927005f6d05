from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from indexer.clusters import ClusterMap, clusters_at_first, clusters_to_visit
from indexer.rows import RowSet


def test_rows_are_counted_by_cluster_and_once_for_a_set() -> None:
    clusters = ClusterMap(np.array([2, 0, 2, 2, 3], np.int32), 5)
    rows = RowSet(np.array([True, False, True, False, True]))
    assert clusters.sizes.tolist() == [1, 0, 3, 1, 0]
    assert clusters.count(rows).tolist() == [0, 0, 2, 1, 0]
    assert clusters.count(rows) is clusters.count(rows)
    gone = weakref.ref(rows)
    del rows
    gc.collect()
    assert gone() is None


def test_without_a_filter_as_many_clusters_as_hold_the_rows() -> None:
    sizes = np.array([10, 30, 20, 40, 50])
    for rows, clusters in ((1, 1), (10, 1), (11, 2), (60, 3), (150, 5), (151, None)):
        assert clusters_to_visit(sizes, sizes, rows, 0) == clusters


def test_empty_clusters_do_not_count_however_many_they_are() -> None:
    far = np.zeros(60, np.int64)
    assert clusters_to_visit(np.full(60, 9), far, 27, 0) is None
    far[50:] = 9
    assert clusters_to_visit(np.full(60, 9), far, 27, 0) == 53


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_fewer_rows_are_wanted_of_thinner_sets_but_more_clusters(share: float) -> None:
    sizes = np.full(1000, 1000)
    passing = (sizes * share).astype(np.int64)
    stop = clusters_to_visit(sizes, passing, 10_000, 0)
    assert stop is not None
    assert 10 < stop < 10 / share
    assert stop <= clusters_at_first(10, share)
    assert clusters_to_visit(sizes, passing, 10_000, 4 * int(passing[0]) * stop) == 4 * stop
