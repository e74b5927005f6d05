"""Heat maps of pictures in which it is known what lies where."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import Encoder, FakeEncoder, heat_png
from embeddings.clip import load_encoder
from embeddings.heat_map import HeatMap, heat_map


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    picture = Image.new("RGB", (320, 160), "white")
    picture.paste(left.resize((160, 160)), (0, 0))
    picture.paste(right.resize((160, 160)), (160, 0))
    return picture


def halves(heat: HeatMap) -> tuple[float, float]:
    """The heat of the left half and of the right half."""
    middle = heat.heat.shape[1] // 2
    return float(heat.heat[:, :middle].sum()), float(heat.heat[:, middle:].sum())


def patch(colour: str) -> Image.Image:
    image = Image.new("RGB", (160, 160), "white")
    image.paste(colour, (40, 40, 120, 120))
    return image


@pytest.mark.parametrize(("text", "left_is_hot"), [("red thing", True), ("blue thing", False)])
def test_the_heat_lies_where_the_colour_is(text: str, left_is_hot: bool) -> None:
    encoder = FakeEncoder()
    picture = side_by_side(patch("red"), patch("blue"))
    heat = heat_map(encoder, picture, encoder.encode_texts([text])[0])
    left, right = halves(heat)
    hot, cold = (left, right) if left_is_hot else (right, left)
    assert heat.heat.max() == 1
    assert heat.heat.min() >= 0
    assert heat.drop > 0
    assert hot > 10 * cold


def test_a_picture_that_is_the_same_everywhere_has_no_heat() -> None:
    encoder = FakeEncoder()
    heat = heat_map(encoder, Image.new("RGB", (50, 70), "red"), encoder.encode_texts(["red"])[0])
    assert not heat.heat.any()
    assert heat.cosine == pytest.approx(1)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3)])
def test_odd_pictures_are_mapped_too(size: tuple[int, int]) -> None:
    encoder = FakeEncoder()
    picture = Image.new("RGB", size, "green")
    heat = heat_map(encoder, picture, encoder.encode_texts(["red"])[0])
    with Image.open(BytesIO(heat_png(picture, heat))) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", size)


def test_a_picture_costs_few_embeddings() -> None:
    class Counting(FakeEncoder):
        asked = 0

        def encode_images(self, pixels):
            Counting.asked += len(pixels)
            return super().encode_images(pixels)

    heat_map(Counting(), patch("red"), np.float32([1, 0, 0]))
    assert 50 <= Counting.asked <= 80


def test_hot_regions_are_painted_and_cold_ones_fade() -> None:
    heat = np.zeros((40, 40), np.float32)
    heat[:, :20] = 1
    picture = Image.new("RGB", (80, 80), (30, 90, 200))
    drawn = np.asarray(Image.open(BytesIO(heat_png(picture, HeatMap(heat, 1.0, 0.5)))), int)
    hot, cold = drawn[40, 10], drawn[40, 70]
    assert hot[0] > hot[2] + 60
    assert cold.min() > 90
    assert cold[2] > cold[0]  # still a blue


def _first(data: Path, wanted: str) -> Image.Image:
    rows = pq.read_table(
        data / "fashion-train-0000.parquet", columns=["image", "article_type", "base_colour"]
    ).slice(0, 3000)
    for row in rows.to_pylist():
        if f"{row['base_colour']} {row['article_type']}" == wanted:
            return Image.open(BytesIO(row["image"])).convert("RGB")
    raise AssertionError(wanted)


@pytest.fixture(scope="module")
def compact() -> Encoder:
    return load_encoder("compact")


@pytest.mark.shared
@pytest.mark.parametrize(("text", "left_is_hot"), [("red shoes", True), ("a watch", False)])
def test_compact_sees_what_is_where(
    shared_data: Path, compact: Encoder, text: str, left_is_hot: bool
) -> None:
    picture = side_by_side(
        _first(shared_data, "Red Casual Shoes"), _first(shared_data, "Black Watches")
    )
    left, right = halves(heat_map(compact, picture, compact.encode_texts([text])[0]))
    assert (left > right) is left_is_hot
