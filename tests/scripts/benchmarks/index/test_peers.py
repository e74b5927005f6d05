"""Peers of the index benchmark: recall curves, and peers that are not installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from indexer.storage import IndexKind, QueryKind
from scripts.benchmarks.index import peers
from scripts.benchmarks.index.peers import Point, at_recall, curve, measure_peers, timed
from scripts.support.measuring import NotMeasured

TRUTH = np.array([[0, 1], [2, 3]])


def test_recall_is_the_share_of_true_neighbours_found() -> None:
    found = {0.0: np.array([1, 5]), 1.0: np.array([3, 2])}
    point = timed(lambda query: found[float(query[0])], np.array([[0.0], [1.0]], np.float32), TRUTH)
    assert point.recall == 0.75
    assert point.ms > 0


def test_a_curve_has_a_point_for_every_effort() -> None:
    efforts: list[int] = []

    def at(effort: int) -> peers.Search:
        efforts.append(effort)
        return lambda _: TRUTH[0]

    points = curve(at, np.zeros((2, 1), np.float32), TRUTH)
    assert [point.recall for point in points] == [0.5] * len(efforts)
    assert efforts == sorted(set(efforts))


@pytest.mark.parametrize(
    ("recall", "ms"), [(0.5, 1.0), (0.6, 1.0), (0.7, 1.5), (0.8, 2.0), (0.9, 4.0), (0.95, None)]
)
def test_time_at_a_recall_is_interpolated(recall: float, ms: float | None) -> None:
    points = [Point(0.6, 1.0), Point(0.8, 2.0), Point(0.9, 4.0)]
    assert at_recall(points, recall) == (None if ms is None else pytest.approx(ms))


def test_peers_that_are_not_installed_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    queries = {QueryKind.IMAGE: np.zeros((1, 4), np.float32)}
    truth = {QueryKind.IMAGE: np.zeros((1, 10), np.int64)}
    ours = {QueryKind.IMAGE: Point(0.97, 0.1)}
    assert measure_peers(np.zeros((1, 4), np.float16), queries, truth, ours, IndexKind.HNSW) == [
        NotMeasured(f"latency_vs_{name}_image", f"{name} is not installed (pip install {name})")
        for name in ("hnswlib", "usearch")
    ]
