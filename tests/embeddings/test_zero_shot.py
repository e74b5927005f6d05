"""Zero-shot classification: probabilities computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from embeddings import FakeEncoder, ZeroShotClassifier


def test_probabilities_are_the_softmax_of_scaled_cosines() -> None:
    classifier = ZeroShotClassifier(FakeEncoder(), ["red", "green"], templates=["{}"])
    red = np.array([[1, 0, 0]], np.float32)
    (row,) = classifier.probabilities(red)
    expected = math.exp(10) / (math.exp(10) + 1)  # FakeEncoder's logit scale is 10
    assert row[0] == pytest.approx(expected, abs=1e-6)
    assert row.sum() == pytest.approx(1)


def test_tags_come_best_first_and_as_many_as_requested() -> None:
    classifier = ZeroShotClassifier(FakeEncoder(), ["green", "red", "blue"], group="colour")
    purple = np.array([[0.8, 0, 0.6]], np.float32)
    (tags,) = classifier.tag(purple, top=2)
    assert [tag.label for tag in tags] == ["red", "blue"]
    assert {tag.group for tag in tags} == {"colour"}
    assert tags[0].confidence > tags[1].confidence


def test_no_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one label"):
        ZeroShotClassifier(FakeEncoder(), [])
