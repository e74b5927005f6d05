"""Images that vision is measured on: composed scenes, changed packshots, and the area under ROC."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from scripts.evaluation.vision.evaluate import area_under_curve
from scripts.evaluation.vision.images import compose, damaged, product_mask, relit


def packshot() -> Image.Image:
    image = Image.new("RGB", (120, 120), "white")
    ImageDraw.Draw(image).rectangle((30, 20, 89, 99), fill="navy")
    return image


def test_a_product_is_what_is_not_white() -> None:
    assert product_mask(packshot()).getbbox() == (30, 20, 90, 100)


def test_a_scene_shows_each_product_in_its_box() -> None:
    random = np.random.default_rng(0)
    scene, boxes = compose(Image.new("RGB", (300, 200), "tan"), [packshot()] * 8, random)
    assert len(boxes) == 8
    for left, top, right, bottom in boxes:
        middle = (int((left + right) / 2 * scene.width), int((top + bottom) / 2 * scene.height))
        assert scene.getpixel(middle) == (0, 0, 128)
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


def test_a_defect_is_where_its_mask_is_and_of_its_size() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        image = packshot()
        bad, mask = damaged(image, random)
        changed = (np.asarray(bad) != np.asarray(image)).any(axis=2)
        assert not (changed & ~mask).any()
        assert 0 < mask.sum() <= 0.06 * 60 * 80


def test_a_relit_packshot_is_another_picture_of_the_same_size() -> None:
    again = relit(packshot(), np.random.default_rng(2))
    assert again.size == (120, 120)
    assert np.asarray(again).tobytes() != np.asarray(packshot()).tobytes()


@pytest.mark.parametrize(
    ("high", "low", "area"),
    [([2, 3], [0, 1], 1.0), ([0, 1], [2, 3], 0.0), ([1, 1], [1, 1], 0.5), ([1, 3], [2], 0.5)],
)
def test_the_area_is_the_share_of_pairs_in_order(
    high: list[float], low: list[float], area: float
) -> None:
    assert area_under_curve(high, low) == area
