from __future__ import annotations

import numpy as np
import pytest

from indexer.tagging.fit_file import GroupFit
from indexer.tagging.fitting.labelled import GroupExamples
from indexer.tagging.fitting.temperature import Validation, best_scale, scaled
from indexer.tagging.tagger import group_probabilities
from indexer.tagging.taxonomy import Group, Label

FIT = GroupFit(
    prototypes=np.eye(3, dtype=np.float32)[:2],
    gain=np.full(2, 6, np.float32),
    bias=np.zeros(2, np.float32),
    threshold=np.full(2, 0.5, np.float32),
    others=np.eye(3, dtype=np.float32)[2:],
    other_gain=np.full(1, 6, np.float32),
    other_bias=np.zeros(1, np.float32),
)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_scale_of_the_truth_is_recovered(exclusive: bool, scale: float) -> None:
    """Labels are drawn with the fit's probabilities at another scale."""
    group = Group("g", exclusive, (Label("a"), Label("b")))
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(4000, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    probabilities = group_probabilities(group, scaled(FIT, scale), vectors)
    if exclusive:
        ends = np.cumsum(probabilities, axis=1)
        drawn = (rng.random((4000, 1)) > ends).sum(axis=1)
        truth = np.eye(3, dtype=np.bool_)[drawn]
    else:
        given = rng.random(probabilities.shape) < probabilities
        truth = np.concatenate([given, ~given.any(axis=1, keepdims=True)], axis=1)
    validation = Validation(FIT, GroupExamples(vectors, truth))
    assert best_scale(group, [validation]) == pytest.approx(scale, rel=0.08)
