from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.calibration.hits import HITS, Hits
from indexer.index import Index
from indexer.storage import QueryKind

QUERIES = np.eye(3, dtype=np.float32)  # red, green, blue


def test_hits_are_the_nearest_products(built: Path) -> None:
    index = Index.open(built)
    hits = Hits.of(index, QUERIES, QueryKind.IMAGE)
    for query, scores, places in zip(QUERIES, hits.scores, hits.places, strict=True):
        found = index.nearest(query, HITS, kind=QueryKind.IMAGE)
        assert places == [(hit.segment, hit.row) for hit in found]
        assert scores.tolist() == pytest.approx([hit.score for hit in found])
    values = hits.values(index, "product_type")
    assert values.tolist() == [["red"] * HITS, ["green"] * HITS, ["blue"] * HITS]
    some = hits.some(np.array([False, True, False]))
    assert (some.queries.tolist(), some.places) == ([[0, 1, 0]], hits.places[1:2])


def test_a_product_can_be_left_out(built: Path) -> None:
    index = Index.open(built)
    best = Hits.of(index, QUERIES, QueryKind.IMAGE)
    first = [places[0] for places in best.places]
    others = Hits.of(index, QUERIES, QueryKind.IMAGE, exclude=first)
    for before, after in zip(best.places, others.places, strict=True):
        assert after[: HITS - 1] == before[1:]
