from __future__ import annotations

import numpy as np
import pytest

from indexer.tagging.fit_file import GroupFit
from indexer.tagging.fitting.options import FitOptions
from indexer.tagging.fitting.thresholds import fit_thresholds
from indexer.tagging.taxonomy import Group, Label

GROUP = Group("g", True, (Label("a"), Label("b"), Label("rare")))


def start(threshold: float) -> GroupFit:
    none = np.empty((0, 3), np.float32)
    labels = np.zeros(3, np.float32)
    return GroupFit(none, labels, labels, np.full(3, threshold, np.float32), none, none, none)


def predictions(correct_above: float) -> tuple[np.ndarray, np.ndarray]:
    """A thousand predictions of "a" and of "b", which are right from a probability on."""
    probability = np.tile(np.linspace(0.34, 1, 1000, dtype=np.float32), 2)
    guessed = np.repeat([0, 1], 1000)
    predicted = np.zeros((2000, 3), np.float32)
    predicted[np.arange(2000), guessed] = probability
    truth = np.zeros((2000, 4), np.bool_)
    truth[np.arange(2000), np.where(probability >= correct_above, guessed, 3)] = True
    return predicted, truth


def test_thresholds_are_the_lowest_that_reach_the_precision() -> None:
    predicted, truth = predictions(0.8)
    options = FitOptions(precision=0.9, label_precision=0.5)
    found = fit_thresholds(GROUP, start(0.5), predicted, truth, options)
    # Of those from t on, (1 - 0.8) / (1 - t) are right.
    assert found[:2] == pytest.approx(1 - 0.2 / 0.9, abs=0.011)


def test_labels_without_examples_keep_a_higher_threshold() -> None:
    predicted, truth = predictions(0.0)
    found = fit_thresholds(GROUP, start(0.7), predicted, truth, FitOptions())
    assert found == pytest.approx([0.5, 0.5, 0.7])


def test_a_precision_out_of_reach_gives_the_highest_threshold() -> None:
    predicted, truth = predictions(2.0)
    found = fit_thresholds(GROUP, start(0.5), predicted, truth, FitOptions())
    assert found == pytest.approx([0.95, 0.95, 0.95])
