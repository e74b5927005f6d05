"""Items: proposed where things are, each once, and none where the image is one thing."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from embeddings import BrokenModelError, Preprocess, ResizeMode
from embeddings.vision import WHOLE, Examination, FaceMode, ItemCrops, crop_to, find_items, items
from embeddings.vision.boxes import overlaps
from tests.embeddings.vision.images import noise, portrait, scene


def test_items_are_found_where_they_are() -> None:
    image, true = scene()
    found = np.array([item.box for item in find_items(image)], np.float32)
    best = [float(overlaps(np.array(box, np.float32), found).max()) for box in true]
    assert sorted(best)[1] >= 0.7, best  # two of three


@pytest.mark.parametrize("most", [1, 4, 15])
def test_boxes_are_few_different_and_the_surest_first(most: int) -> None:
    found = find_items(scene()[0], most)
    assert 1 <= len(found) <= most
    scores = [item.confidence for item in found]
    assert scores == sorted(scores, reverse=True)
    boxes = np.array([item.box for item in found], np.float32)
    assert ((boxes >= 0) & (boxes <= 1)).all()
    for number, box in enumerate(boxes):
        assert (overlaps(box, boxes[number + 1 :]) < 0.6).all()
        assert overlaps(np.array(WHOLE, np.float32), box[np.newaxis])[0] < 0.85


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (300, 200)])
def test_a_plain_image_has_no_items(size: tuple[int, int]) -> None:
    assert find_items(Image.new("RGB", size, "white")) == []


def test_a_crowded_image_has_at_most_as_many_as_wanted() -> None:
    tile = scene()[0].resize((60, 40))
    crowd = Image.new("RGB", (1500, 800))
    for number in range(500):
        crowd.paste(tile, (number % 25 * 60, number // 25 * 40))
    assert len(find_items(crowd)) <= 15
    assert len(find_items(noise(400, 300))) <= 15


def test_crops_are_the_whole_image_and_each_item() -> None:
    image, _ = scene()
    crops = ItemCrops(Preprocess((8, 8), ResizeMode.SQUASH), most=3)
    assert pickle.loads(pickle.dumps(crops)) == crops
    (whole, pixels), *others = crops(image)
    assert (whole.box, whole.confidence) == (WHOLE, 1.0)
    np.testing.assert_array_equal(pixels, crops.preprocess(image))
    assert [item for item, _ in others] == find_items(image, 3)
    for item, cut in others:
        np.testing.assert_array_equal(cut, crops.preprocess(crop_to(image, item.box)))


def test_faces_are_hidden_in_crops_where_that_is_asked() -> None:
    preprocess = Preprocess((32, 32), ResizeMode.SQUASH)
    seen = ItemCrops(preprocess)(portrait())[0][1]
    hidden = ItemCrops(preprocess, Examination(faces=FaceMode.DROP))(portrait())[0][1]
    assert (seen != hidden).any()


def test_a_crop_has_at_least_a_pixel() -> None:
    image = Image.new("RGB", (10, 4))
    assert crop_to(image, WHOLE).size == (10, 4)
    assert crop_to(image, (0.5, 0.5, 0.5, 0.5)).size == (1, 1)
    assert crop_to(image, (1.0, 1.0, 1.0, 1.0)).size == (1, 1)


def test_a_foreign_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "ITEM_MODEL", replace(items.ITEM_MODEL, sha256="0" * 64))
    with pytest.raises(BrokenModelError, match=r"nanodet\.onnx"):
        find_items(portrait())
