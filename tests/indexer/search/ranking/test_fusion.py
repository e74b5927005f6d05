from __future__ import annotations

import numpy as np
import pytest

from indexer.index import Found
from indexer.search.ranking import fuse_ranks, fuse_scores

HITS = [Found(score, 0, row, row) for row, score in enumerate([0.9, 0.5, 0.1])]


def test_ranks_are_fused_by_their_reciprocals() -> None:
    places = [(0, 0), (0, 1), (0, 2)]
    # The vector found the first two; keywords found the third first, and the second next.
    fused = fuse_ranks(places, [(0, 2), (0, 1)], 2, 0.75)
    assert fused == pytest.approx([0.25 / 61, 0.75 / 62 + 0.25 / 62, 0.75 / 61])


def test_scores_are_fused_by_their_weighted_sum() -> None:
    fused = fuse_scores(np.array([0.0, 2.0, 1.0], np.float32), HITS, 0.75)
    assert fused == pytest.approx([0.25, 1.5 + 0.25 * 0.5, 0.75])


def test_equal_cosines_count_as_the_best() -> None:
    fused = fuse_scores(np.array([0.0, 1.0], np.float32), [HITS[0], HITS[0]], 0.75)
    assert fused == pytest.approx([0.25, 1.0])
