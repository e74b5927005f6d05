"""Images decoded at a fraction of their size, and their geometry."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from embeddings import Preprocess, ResizeMode
from embeddings.images import ReducedImage, Reduction, open_reduced

ORIENTATION = 274


def scene(width: int, height: int) -> Image.Image:
    """A scene with shapes of many sizes, the same in every size."""
    y, x = np.mgrid[0:height, 0:width]
    x, y = x / width, y / height
    waves = [np.sin(40 * x + 9 * y), np.sin(55 * y * x + 3), np.cos(30 * (x - y))]
    return Image.fromarray(np.stack([(127 + 120 * wave) for wave in waves], -1).astype(np.uint8))


def jpeg(image: Image.Image, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def difference(preprocess: Preprocess, full: ReducedImage, reduced: ReducedImage) -> float:
    """Return the mean difference of the pixels of a model, in levels of 255."""
    expected = preprocess(full.image).astype(int)
    return float(np.abs(expected - preprocess(reduced.image, reduced.reduction)).mean())


def test_an_image_of_its_full_size_has_no_reduction() -> None:
    data = jpeg(scene(300, 200))
    assert open_reduced(data).reduction is None
    assert open_reduced(data, target=150).reduction is None


@pytest.mark.parametrize(
    ("size", "target", "expected"),
    [
        ((640, 480), 240, Reduction((640, 480), (0, 0, 320, 240))),
        ((641, 483), 240, Reduction((641, 483), (0, 0, 320.5, 241.5))),
        ((643, 485), 120, Reduction((643, 485), (0, 0, 160.75, 121.25))),
        ((1283, 967), 120, Reduction((1283, 967), (0, 0, 160.375, 120.875))),
    ],
)
def test_the_reduction_says_what_part_of_the_pixels_the_image_covers(
    size: tuple[int, int], target: int, expected: Reduction
) -> None:
    opened = open_reduced(jpeg(scene(*size)), target=target)
    assert opened.reduction == expected
    assert opened.image.width - 1 < expected.box[2] <= opened.image.width


@pytest.mark.parametrize("how", Image.Transpose)
def test_the_reduction_turns_with_the_image(how: Image.Transpose) -> None:
    pixels = np.zeros((60, 80), np.uint8)
    pixels[:57, :73] = 255  # the part that the image covers
    turned = Reduction((146, 114), (0, 0, 73, 57)).transposed(how, (80, 60))
    image = Image.fromarray(pixels).transpose(how)
    assert list(turned.box) == list(image.getbbox() or ())
    right_way = (146, 114) if image.width > image.height else (114, 146)
    assert turned.full_size == right_way


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_gives_the_pixels_of_the_full_image(orientation: int) -> None:
    data = jpeg(scene(647, 485), orientation)
    full, reduced = open_reduced(data), open_reduced(data, target=121)
    assert reduced.reduction is not None
    assert reduced.reduction.full_size == full.image.size
    preprocess = Preprocess((64, 64))
    assert difference(preprocess, full, reduced) < 0.8
    if reduced.reduction.box[0] or reduced.reduction.box[1]:  # the cut sides come first
        shifted = ReducedImage(reduced.image, None)
        assert difference(preprocess, full, shifted) > difference(preprocess, full, reduced)


@pytest.mark.parametrize("mode", ResizeMode)
@pytest.mark.parametrize("size", [(877, 653), (650, 871), (1303, 645), (1296, 970)])
def test_every_mode_gives_the_pixels_of_the_full_image(
    mode: ResizeMode, size: tuple[int, int]
) -> None:
    preprocess = Preprocess((96, 96), mode)
    data = jpeg(scene(*size))
    full, reduced = open_reduced(data), open_reduced(data, target=preprocess.least_side)
    assert reduced.reduction is not None
    assert difference(preprocess, full, reduced) < 0.8


def test_a_long_strip_is_cut_in_the_same_place() -> None:
    data = jpeg(scene(12_001, 201))
    full, reduced = open_reduced(data), open_reduced(data, target=100)
    assert reduced.reduction is not None
    assert difference(Preprocess((32, 32)), full, reduced) < 2.0


def test_rounding_follows_the_full_size() -> None:
    # Rounded by the sides of the half, some of these widths are cut a pixel further left or right.
    preprocess = Preprocess((160, 160))
    moved = 0
    for width in range(1061, 1075):
        data = jpeg(scene(width, 867))
        full, reduced = open_reduced(data), open_reduced(data, target=preprocess.least_side)
        right = difference(preprocess, full, reduced)
        assert right < 0.8
        moved += difference(preprocess, full, ReducedImage(reduced.image, None)) > 2 * right
    assert moved


def test_a_model_needs_some_times_its_size() -> None:
    assert Preprocess((160, 160)).least_side == 432
    assert Preprocess((96, 64)).least_side == 260
