"""Measures of `scripts/bench compact`: ranks, top-1, prompts."""

from __future__ import annotations

import numpy as np

from scripts.evaluation.compact import measures


def test_ties_count_against_the_rank():
    scores = np.array([[0.5, 0.5, 0.1], [0.9, 0.2, 0.3]], dtype=np.float32)
    assert measures.rank_of(scores, np.array([0, 2])).tolist() == [1, 1]


def test_top_one_is_judged_for_each_image():
    images = np.eye(3, dtype=np.float32)
    labels = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    assert measures.top_one(images, labels, np.array([0, 1, 1])).tolist() == [1, 0, 1]


def test_label_vectors_are_means_over_prompts():
    vectors = {"red": [1, 0], "a red": [0, 1], "blue": [1, 0], "a blue": [1, 0]}

    def encode(texts):
        return np.array([vectors[text] for text in texts], np.float32)

    found = measures.label_vectors(encode, ["red", "blue"], ["{}", "a {}"])
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5], [1, 0]], atol=1e-6)
