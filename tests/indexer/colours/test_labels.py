"""The catalog's colour label of a product, from its measured colours and a model."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.colours import classifier, colour_features, colour_table
from tests.support.striped_products import packed

NAMES = colour_table().names


def test_plain_products_get_their_colour() -> None:
    probabilities = classifier().probabilities(packed("red", "blue", "green"))
    assert [NAMES[place] for place in probabilities.argmax(axis=1)] == ["red", "blue", "green"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_an_image_that_was_not_measured_has_the_names_frequencies() -> None:
    (probabilities,) = classifier().probabilities(np.zeros((1, 5, 4), np.uint8))
    np.testing.assert_array_equal(probabilities, colour_table().priors)


def test_features_are_shares_near_anchors() -> None:
    anchors = np.float32([[0, 0, 0], [100, 0, 0], [45, 65, 45]])
    (features,) = colour_features(packed("red"), anchors)
    assert features.shape == (2 * 3 + 5,)
    assert features[:3].argmax() == features[3:6].argmax() == 2
    np.testing.assert_allclose(features[6:], [1, 0, 0, 0, 0])


def test_both_sources_count() -> None:
    count = len(NAMES)
    measured = np.full((1, count), 1 / count, np.float32)
    model = np.full((1, count), 1 / count, np.float32)
    model[0, NAMES.index("red")] = 0.5
    measured[0, NAMES.index("blue")] = 0.5
    (both,) = classifier().combine(measured, model)
    assert both.sum() == pytest.approx(1, abs=1e-5)
    assert {NAMES[place] for place in np.argsort(-both)[:2]} == {"red", "blue"}
    # Neither source excludes a name alone.
    model[0, NAMES.index("blue")] = 0
    assert classifier().combine(measured, model)[0, NAMES.index("blue")] > 0
