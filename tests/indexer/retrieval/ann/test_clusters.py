from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from indexer.retrieval.ann.clusters import ClusterMap, clusters_at_first, clusters_to_visit
from indexer.storage import RowSet


def test_clusters_that_hold_rows_are_found_once_for_a_set() -> None:
    clusters = ClusterMap(np.array([2, 0, 2, 2, 3], np.int32), 5)
    rows = RowSet(np.array([True, False, True, False, True]))
    found = clusters.holding(rows)
    assert found.clusters.tolist() == [2, 3]
    assert found.sizes.tolist() == [3, 1]
    assert found.passing.tolist() == [2, 1]
    assert found.share == 0.75
    assert clusters.holding(rows) is found
    gone = weakref.ref(rows)
    del rows
    gc.collect()
    assert gone() is None


def test_the_rows_of_a_thin_set_are_found_by_their_clusters() -> None:
    rng = np.random.default_rng(0)
    of_row = rng.integers(0, 9, 4000).astype(np.int32)
    mask = rng.random(4000) < 0.02
    holding = ClusterMap(of_row, 9).holding(RowSet(mask))
    places = np.array([7, 2])
    expected = [np.flatnonzero(mask & (of_row == number)) for number in holding.clusters[places]]
    assert holding.rows(places).tolist() == np.concatenate(expected).tolist()
    assert ClusterMap(of_row, 9).holding(RowSet(of_row < 5)).members is None


def test_the_share_of_a_set_in_some_clusters() -> None:
    clusters = ClusterMap(np.array([2, 0, 2, 2, 3], np.int32), 5)
    rows = RowSet(np.array([True, False, True, False, True]))
    assert clusters.share_in(rows, np.array([3, 2])) == 0.75
    assert clusters.share_in(rows, np.array([0, 4])) == 0
    assert clusters.share_in(rows, np.array([2, 0])) == 0.5


def test_without_a_filter_as_many_clusters_as_hold_the_rows() -> None:
    sizes = np.array([10, 30, 20, 40, 50])
    for rows, clusters in ((1, 1), (10, 1), (11, 2), (60, 3), (150, 5), (151, None)):
        assert clusters_to_visit(sizes, sizes, rows, 0) == clusters


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_fewer_rows_are_wanted_of_thinner_sets_but_more_clusters(share: float) -> None:
    sizes = np.full(1000, 1000)
    passing = (sizes * share).astype(np.int64)
    stop = clusters_to_visit(sizes, passing, 10_000, 0)
    assert stop is not None
    assert 10 < stop < 10 / share
    assert stop <= clusters_at_first(10, share)
    assert clusters_to_visit(sizes, passing, 10_000, 4 * int(passing[0]) * stop) == 4 * stop
