"""Conversion to RGB: transparency, depths and colour models."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from embeddings.images import open_image
from tests.support.image_samples import (
    encode,
    gif,
    grey_tags,
    opened,
    pixels,
    png,
    png_chunk,
    tiff,
)


def _blend(colour: int, alpha: int) -> int:
    return round((colour * alpha + 255 * (255 - alpha)) / 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_laid_on_white(kind):
    stored = [(255, 0, 0, 255), (0, 0, 0, 0), (0, 100, 200, 128), (10, 20, 30, 1)]
    image = Image.new("RGBA", (4, 1))
    image.putdata(stored)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    shown = open_image(encode(image, kind, **options))
    wanted = [tuple(_blend(c, alpha) for c in rgb) for *rgb, alpha in stored]
    assert [tuple(p) for p in pixels(shown)[0]] == wanted


def test_grey_with_alpha_is_laid_on_white():
    image = Image.new("LA", (3, 1))
    image.putdata([(0, 255), (0, 0), (100, 51)])
    for kind in ("PNG", "TIFF"):
        shown = pixels(open_image(encode(image, kind)))[0]
        assert shown.tolist() == [[0] * 3, [255] * 3, [_blend(100, 51)] * 3]


def test_premultiplied_alpha_is_laid_on_white():
    tags = grey_tags(2, 1) | {
        258: ("H", [8] * 4), 262: ("H", [2]), 277: ("H", [4]), 338: ("H", [1]),
    }  # fmt: skip
    data = tiff(tags, [bytes((50, 25, 0, 100, 0, 0, 0, 0))])
    half, clear = pixels(open_image(data))[0].tolist()
    assert half == pytest.approx([205, 180, 155], abs=1)
    assert clear == [255, 255, 255]


def test_a_palette_with_transparency_is_laid_on_white():
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 200])
    image.putdata([0, 1, 2])
    one_clear = open_image(encode(image, "PNG", transparency=1))
    assert pixels(one_clear)[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 200]]
    graded = open_image(encode(image, "PNG", transparency=bytes((255, 0, 51))))
    assert pixels(graded)[0, 2].tolist() == [_blend(0, 51), _blend(0, 51), _blend(200, 51)]
    in_gif = open_image(encode(image, "GIF", transparency=2))
    assert pixels(in_gif)[0].tolist() == [[255, 0, 0], [0, 255, 0], [255, 255, 255]]


@pytest.mark.parametrize(
    ("depth", "colour", "row", "key", "wanted"),
    [
        (1, 0, b"\0\x40", (1,), [0, 255, 0]),
        (2, 0, b"\0\x6c", (2,), [85, 255, 255]),  # levels 1, 2, 3
        (4, 0, b"\0\x1a\xf0", (10,), [17, 255, 255]),
        (8, 0, b"\0\x01\x02\x03", (2,), [1, 255, 3]),
        (16, 0, b"\0\x01\x01\x40\x40\x40\x41", (0x4040,), [1, 255, 64]),
        (8, 2, b"\0" + bytes((1, 1, 1, 2, 2, 2, 3, 3, 3)), (2, 2, 2), [1, 255, 3]),
        (16, 2, b"\0" + bytes((1, 0) * 3 + (2, 7) * 3 + (3, 0) * 3), (519,) * 3, [1, 255, 3]),
    ],
)
def test_a_transparent_colour_is_white_at_every_depth(depth, colour, row, key, wanted):
    clear = png_chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    image = open_image(png((3, 1), depth, colour, row, clear))
    assert pixels(image)[0, :, 0].tolist() == wanted


def test_the_canvas_around_a_gif_frame_is_white():
    image = pixels(open_image(gif((4, 3), (1, 1, 2, 1), [0, 2])))
    red, blue, white = [255, 0, 0], [0, 0, 255], [255, 255, 255]
    assert image[1].tolist() == [white, red, blue, white]
    assert (image[[0, 2]] == 255).all()
    clear = pixels(opened("gif-offset"))
    assert clear[1].tolist() == [white, [0, 255, 0], white, white]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_scaled_exactly(kind):
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    levels = pixels(open_image(encode(Image.fromarray(ramp), kind)))
    exact = np.rint(ramp.astype(np.float64) * 255 / 65_535)
    for band in range(3):
        np.testing.assert_array_equal(levels[..., band], exact)


def test_16_bits_in_motorola_order():
    values = np.array([[0, 257], [32_768, 65_535]], np.uint16)
    data = tiff(grey_tags(2, 2, 16), [values.astype(">u2").tobytes()], order=">")
    assert pixels(open_image(data))[..., 0].tolist() == [[0, 1], [128, 255]]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([-3.0, 0.2, float("nan")], [0, 51, 0]),
        ([0.0, 100.4, 255.0], [0, 100, 255]),
        ([0.0, 32_767.5, 65_535.0], [0, 128, 255]),
        ([0.0, 1e6, 2e6], [0, 128, 255]),
        ([float("inf"), 0.0, 1.0], [0, 0, 255]),
    ],
)
def test_floats_are_scaled_by_their_range(values, wanted):
    image = Image.fromarray(np.array([values], np.float32))
    levels = pixels(open_image(encode(image, "TIFF")))[0, :, 0].tolist()
    assert levels == wanted


def test_cmyk_keeps_its_colours():
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for data in (encode(image, "JPEG", quality=95), encode(image, "TIFF")):
        red = pixels(open_image(data)).reshape(-1, 3).mean(axis=0)
        assert red == pytest.approx([255, 0, 0], abs=3)


def test_one_bit_images_are_black_and_white():
    image = Image.new("1", (9, 2))
    image.putpixel((8, 1), 1)
    for kind in ("PNG", "BMP", "TIFF", "GIF"):
        shown = pixels(open_image(encode(image, kind)))
        assert shown[1, 8].tolist() == [255, 255, 255]
        assert shown.sum() == 3 * 255
