"""Measures of `scripts/bench tags`: near colours, narrow answers, splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.tagging import GroupScores
from indexer.tagging.negatives import draw_negatives
from indexer.tagging.taxonomy import Group, Label, read_taxonomy
from scripts.evaluation.tags.measures import near_colours, type_where_answered
from scripts.evaluation.tags.nonsense import nonsense_images
from scripts.evaluation.tags.setting import calibration_rows, figure_rows, train_rows
from scripts.evaluation.tags.truth import SETS, marks_of
from scripts.training.data.catalogs import SetRows, held_back


def test_colours_are_near_both_ways_and_to_themselves() -> None:
    group = read_taxonomy("retail").group("colour")
    near = near_colours(group)
    assert np.array_equal(near, near.T)
    assert near.diagonal().all()
    assert near[group.places["navy blue"], group.places["blue"]]
    assert not near[group.places["black"], group.places["white"]]


def test_a_wider_label_than_the_truth_is_no_answer() -> None:
    group = Group("type", True, (Label("shoes"), Label("boots", parent="shoes"), Label("hat")))
    best = np.array([0, 1, 0, 2, -1])
    truth = np.array(
        [[0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], np.bool_
    )  # boots, boots, shoes, boots, boots
    given = np.zeros((5, 3), np.bool_)
    scored = GroupScores(group, np.zeros((5, 3), np.float32), best, given)
    right, share = type_where_answered(scored, truth)
    # Answered: boots for boots, shoes for shoes, a hat for boots.
    assert share.value == pytest.approx(3 / 5)
    assert right.value == pytest.approx(2 / 3)


def test_rows_to_learn_from_to_calibrate_on_and_to_measure_are_apart() -> None:
    ids = [f"p{number}" for number in range(1000)]
    held = held_back(ids)
    train = np.setdiff1d(np.arange(1000), held)
    rows = SetRows("any", {"id": ids}, train, held)
    parts = [train_rows(rows), calibration_rows(rows), figure_rows(rows)]
    together = np.concatenate(parts)
    assert sorted(together.tolist()) == list(range(1000))
    assert min(len(part) for part in parts) > 25


def test_nothing_is_measured_that_was_learnt_from() -> None:
    learnt = {picture.resize((64, 64)).tobytes() for picture in draw_negatives(0, 240)}
    measured = [picture.resize((64, 64)).tobytes() for picture in nonsense_images()]
    blank = 12 + 8  # of one colour, which two may have in common
    assert len(learnt & set(measured)) <= blank
    assert len(measured) > 100


@pytest.mark.shared
def test_every_word_of_the_catalogs_is_a_label(shared_data: Path) -> None:
    taxonomy = read_taxonomy("retail")
    for name in SETS:
        marks = marks_of(shared_data, name, taxonomy)
        assert marks["type"].any(axis=1).all(), name
    assert marks_of(shared_data, SETS[0], taxonomy)["colour"].any(axis=0)[:-1].all()
