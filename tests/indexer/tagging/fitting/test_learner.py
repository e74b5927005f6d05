"""The likelihood of labelled images, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.tagging.fitting.learner import likelihood, mask_of
from indexer.tagging.taxonomy import Group, Label

LABELS = (Label("shoe"), Label("boot", parent="shoe"), Label("sandal", parent="shoe"))
EXCLUSIVE, INDEPENDENT = Group("g", True, LABELS), Group("g", False, LABELS)
# A boot; some shoe; none of the labels.
TRUTH = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], np.bool_)


def test_a_parent_stands_for_its_children_and_competitors_for_none() -> None:
    assert mask_of(EXCLUSIVE, TRUTH, 2).tolist() == [
        [False, True, False, False, False],
        [True, True, True, False, False],
        [False, False, False, True, True],
    ]
    assert mask_of(INDEPENDENT, TRUTH, 0).tolist() == TRUTH[:, :3].tolist()


def test_the_likelihood_of_an_exclusive_group_by_hand() -> None:
    logits = np.log(np.array([[1, 2, 3, 4, 1]] * 3, np.float32))
    logits[:, 0] = -np.inf  # as a parent's
    loss, errors = likelihood(EXCLUSIVE, logits, mask_of(EXCLUSIVE, TRUTH, 2))
    assert loss == pytest.approx(-np.log(0.2) - np.log(0.5) - np.log(0.5), rel=1e-5)
    shares = np.array([0, 0.2, 0.3, 0.4, 0.1])
    expected = shares - [[0, 1, 0, 0, 0], [0, 0.4, 0.6, 0, 0], [0, 0, 0, 0.8, 0.2]]
    np.testing.assert_allclose(errors, expected, atol=1e-6)


def test_none_says_nothing_without_competitors() -> None:
    logits = np.array([[-np.inf, 1, 2]] * 3, np.float32)
    _, errors = likelihood(EXCLUSIVE, logits, mask_of(EXCLUSIVE, TRUTH, 0))
    assert errors[2].tolist() == [0, 0, 0]
    assert errors[0].tolist() != [0, 0, 0]


@pytest.mark.parametrize("group", [EXCLUSIVE, INDEPENDENT])
def test_the_gradient_is_that_of_the_loss(group: Group) -> None:
    rng = np.random.default_rng(0)
    others = 2 if group.exclusive else 0
    logits = rng.normal(size=(3, 3 + others))
    mask = mask_of(group, TRUTH, others)
    _, errors = likelihood(group, logits, mask)  # type: ignore[arg-type]
    for place in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[place] = 1e-5
        above, below = (
            likelihood(group, logits + step, mask),
            likelihood(group, logits - step, mask),
        )  # type: ignore[arg-type]
        assert errors[place] == pytest.approx((above[0] - below[0]) / 2e-5, abs=1e-6)
