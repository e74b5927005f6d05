"""Metrics of tags against known labels."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.quality import evaluate_group
from indexer.quality.tag_metrics import expected_calibration_error
from indexer.tagging import GroupScores
from indexer.tagging.taxonomy import Group, Label

GROUP = Group("g", True, (Label("shoes"), Label("boots", parent="shoes"), Label("hat")))


def test_metrics_of_known_cases() -> None:
    probabilities = np.array(
        [[0.9, 0.9, 0.1], [0.2, 0.2, 0.8], [0.6, 0.6, 0.4], [0.5, 0.5, 0.5]], np.float32
    )
    best = np.array([1, 2, 0, -1])
    given = np.zeros((4, 3), np.bool_)
    given[[0, 1, 2], best[:3]] = True
    truth = np.zeros((4, 3), np.bool_)
    truth[[0, 1, 2], [1, 1, 1]] = True  # boots, all of them; nothing is known of the last
    metrics = evaluate_group(GroupScores(GROUP, probabilities, best, given), truth)
    assert metrics.pictures == 3
    assert metrics.answered == 1
    assert metrics.accuracy == pytest.approx(2 / 3)
    # The most probable leaf is boots, hat, boots, with 0.9, 0.8 and 0.6.
    assert metrics.forced == pytest.approx(2 / 3)
    assert metrics.ece == pytest.approx((0.1 + 0.8 + 0.4) / 3)
    shoes, boots, hat = metrics.labels
    assert (shoes.true, shoes.given, shoes.right) == (3, 2, 2)
    assert (boots.true, boots.given, boots.right) == (3, 1, 1)
    assert (hat.given, hat.right, hat.precision, hat.recall) == (1, 0, 0.0, None)


def test_expected_calibration_error_of_known_cases() -> None:
    error, bins = expected_calibration_error(np.full(4, 0.9), np.array([True, True, True, False]))
    assert error == pytest.approx(0.15)
    assert bins[13] == pytest.approx((1.0, 0.9, 0.75))
    assert expected_calibration_error(np.array([1.0, 0.0]), np.array([True, False]))[0] == 0
