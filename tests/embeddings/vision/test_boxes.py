"""Boxes: letterboxes there and back, overlaps, and the strongest of many."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from embeddings.vision.boxes import Letterbox, overlaps, strongest


@pytest.mark.parametrize("size", [(200, 100), (100, 200), (64, 64), (1, 500), (500, 1), (1, 1)])
def test_a_box_of_the_square_is_the_same_box_of_the_image(size: tuple[int, int]) -> None:
    square = Letterbox.of(Image.new("RGB", size, "white"), 64)
    lit = np.argwhere(square.pixels[..., 0] == 255)
    (top, left), (bottom, right) = lit.min(0) / 64, (lit.max(0) + 1) / 64
    whole = square.to_image(np.array([[left, top, right, bottom]], np.float32))
    np.testing.assert_allclose(whole, [[0, 0, 1, 1]], atol=1e-6)


def test_boxes_are_clipped_to_the_image() -> None:
    square = Letterbox.of(Image.new("RGB", (20, 10)), 20)
    boxes = square.to_image(np.array([[-1, 0, 2, 1]], np.float32))
    np.testing.assert_array_equal(boxes, [[0, 0, 1, 1]])


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([0, 0, 2, 2], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2], [1, 1, 1, 1]], np.float32)
    np.testing.assert_allclose(overlaps(box, others), [1, 1 / 3, 0, 0])


def test_overlap_of_nothing_is_nothing() -> None:
    empty = np.zeros(4, np.float32)
    assert overlaps(empty, np.zeros((1, 4), np.float32)).tolist() == [0]


def test_the_strongest_of_boxes_on_each_other_is_kept() -> None:
    boxes = np.array([[0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]], np.float32)
    scores = np.array([0.6, 0.9, 0.7], np.float32)
    assert strongest(boxes, scores, 9, 0.5).tolist() == [1, 2]
    assert strongest(boxes, scores, 1, 0.5).tolist() == [1]
    assert strongest(boxes, scores, 9, 0.99).tolist() == [1, 2, 0]
    assert strongest(boxes[:0], scores[:0], 9, 0.5).tolist() == []
