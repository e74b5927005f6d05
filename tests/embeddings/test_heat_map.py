"""Heat maps of images with known regions."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import (
    Encoder,
    FakeEncoder,
    HeatMap,
    Preprocess,
    ResizeMode,
    compute_heat_map,
    heat_map_png,
    load_encoder,
    occluded_pixels,
)


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    image = Image.new("RGB", (320, 160), "white")
    image.paste(left.resize((160, 160)), (0, 0))
    image.paste(right.resize((160, 160)), (160, 0))
    return image


def halves(heat_map: HeatMap) -> tuple[float, float]:
    """The heat of the left half and of the right half."""
    middle = heat_map.values.shape[1] // 2
    return float(heat_map.values[:, :middle].sum()), float(heat_map.values[:, middle:].sum())


def patch(colour: str) -> Image.Image:
    image = Image.new("RGB", (160, 160), "white")
    image.paste(colour, (40, 40, 120, 120))
    return image


@pytest.mark.parametrize(("text", "left_is_hot"), [("red thing", True), ("blue thing", False)])
def test_the_heat_lies_where_the_colour_is(text: str, left_is_hot: bool) -> None:
    encoder = FakeEncoder()
    image = side_by_side(patch("red"), patch("blue"))
    heat_map = compute_heat_map(encoder, image, encoder.encode_texts([text])[0])
    left, right = halves(heat_map)
    hot, cold = (left, right) if left_is_hot else (right, left)
    assert heat_map.values.max() == 1
    assert heat_map.values.min() >= 0
    assert heat_map.drop > 0
    assert hot > 10 * cold


@pytest.mark.parametrize("size", [(50, 70), (1, 1), (3, 200), (200, 3)])
def test_an_image_of_one_colour_has_no_heat_and_fades(size: tuple[int, int]) -> None:
    encoder = FakeEncoder()
    image = Image.new("RGB", size, (0, 100, 0))
    heat_map = compute_heat_map(encoder, image, encoder.encode_texts(["green"])[0])
    assert heat_map.values.shape == (40, 40)
    assert not heat_map.values.any()
    assert heat_map.cosine == pytest.approx(1)
    assert heat_map.drop == pytest.approx(0, abs=1e-6)
    with Image.open(BytesIO(heat_map_png(image, heat_map))) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", size)
        # Its grey level is 59: 0.35 * colour + 0.65 * (59 / 2 + 127).
        assert np.unique(np.asarray(drawn).reshape(-1, 3), axis=0).tolist() == [[102, 137, 102]]


def test_each_window_is_covered_with_the_mean_colour() -> None:
    image = Image.new("RGB", (80, 80), (10, 20, 30))
    image.paste((50, 60, 70), (40, 0, 80, 80))
    pixels = occluded_pixels(Preprocess((80, 80), ResizeMode.SQUASH), image)
    assert pixels.shape == (1 + 7 * 7 + 5 * 5, 80, 80, 3)
    np.testing.assert_array_equal(pixels[0], np.asarray(image))
    covered = (pixels[1:] == (30, 40, 50)).all(axis=-1)
    untouched = (pixels[1:] == pixels[0]).all(axis=-1)
    assert (covered ^ untouched).all()
    assert covered[:49].sum(axis=(1, 2)).tolist() == [20 * 20] * 49
    assert covered[49:].sum(axis=(1, 2)).tolist() == [36 * 36] * 25
    assert covered.any(axis=0).all()  # no region is left out


def test_hot_regions_are_painted_and_cold_ones_fade() -> None:
    heat = np.zeros((40, 40), np.float32)
    heat[:, :20] = 1
    image = Image.new("RGB", (80, 80), (30, 90, 200))
    drawn = np.asarray(Image.open(BytesIO(heat_map_png(image, HeatMap(heat, 1.0, 0.5)))), int)
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
    image = side_by_side(
        _first(shared_data, "Red Casual Shoes"), _first(shared_data, "Black Watches")
    )
    left, right = halves(compute_heat_map(compact, image, compact.encode_texts([text])[0]))
    assert (left > right) is left_is_hot
