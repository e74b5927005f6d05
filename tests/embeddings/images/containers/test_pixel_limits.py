"""Declared sizes over the limit are refused before decoding (CASES.md, rows 3 and 51)."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from embeddings import BufferedImageError, ImageTooLargeError
from embeddings.images import ImageLimits, decoding, open_image
from tests.support.image_samples import (
    HEIGHT,
    SAMPLES,
    WIDTH,
    encode,
    gif,
    grey_tags,
    opened,
    patched,
    png_chunk,
    tiff,
)


def _patched_png() -> bytes:
    body = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return SAMPLES["png"][:8] + png_chunk(b"IHDR", body) + SAMPLES["png"][33:]


def _patched_tiff(**tags: int) -> bytes:
    numbers = {"width": 256, "height": 257, "tile_width": 322, "tile_height": 323, "rows": 278}
    fields = grey_tags(20, 18) | {numbers[k]: ("I", [v]) for k, v in tags.items()}
    return tiff(fields, [bytes(360)])


def _hidden_avif() -> bytes:
    """An AVIF that says 64 x 64 around a coded frame of 8,000 x 8,000."""
    data = bytearray(encode(Image.new("RGB", (8000, 8000)), "AVIF", speed=10))
    struct.pack_into(">II", data, data.index(b"ispe") + 8, 64, 64)
    return bytes(data)


BOMBS = {
    "PNG": _patched_png(),
    "JPEG": patched("jpeg", SAMPLES["jpeg"].index(b"\xff\xc0") + 5, ">HH", 60_000, 60_000),
    "WebP": patched("webp", 26, "<HH", 16_383, 16_383),
    "WebP lossless": patched("webp-lossless", 21, "<I", 16_383 | 16_383 << 14),
    "WebP extended": patched("webp-alpha-exif", 24, "<IH", 59_999 | 0x5F << 24, 0xEA),
    "GIF": patched("gif", 6, "<HH", 60_000, 60_000),
    "GIF frame": gif((4, 4), (0, 0, 60_000, 60_000), [1, 2]),
    "BMP": patched("bmp", 18, "<ii", 60_000, -60_000),
    "TIFF": _patched_tiff(width=60_000, height=60_000),
    "TIFF tile": _patched_tiff(tile_width=60_000, tile_height=60_000),
    "AVIF": patched("avif", SAMPLES["avif"].index(b"ispe") + 8, ">II", 60_000, 60_000),
    "AVIF frame": _hidden_avif(),
}


@pytest.mark.case(3)
@pytest.mark.case(51)
@pytest.mark.parametrize("name", BOMBS)
def test_a_declared_size_over_the_limit_never_reaches_a_decoder(name, monkeypatch):
    monkeypatch.setattr(decoding, "_DECODERS", {})
    limit = "201,326,592" if name == "JPEG" else "50,331,648"
    with pytest.raises(ImageTooLargeError, match=f"over the limit of {limit} pixels"):
        open_image(BOMBS[name])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WebP", "GIF", "BMP"])
def test_a_large_size_is_seen_even_in_a_cut_file(name):
    with pytest.raises(
        ImageTooLargeError, match=r"over the limit of (201,326,592|50,331,648) pixels"
    ):
        open_image(BOMBS[name][: len(BOMBS[name]) * 2 // 3])


REDUCED = ("jpeg", "jpeg-restarts", "jpeg-grey", "jpeg-cmyk", "jpeg-exif")


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in REDUCED])
def test_the_limit_is_exact(name):
    image = opened(name)
    needed = image.width * image.height
    if name == "tiff-tiled":
        needed = 32 * 32  # whole tiles are decoded
    assert open_image(SAMPLES[name], limits=ImageLimits(max_pixels=needed)) == image
    with pytest.raises(ImageTooLargeError, match=f"over the limit of {needed - 1:,} pixels"):
        open_image(SAMPLES[name], limits=ImageLimits(max_pixels=needed - 1))


@pytest.mark.case(60)
@pytest.mark.parametrize("name", REDUCED)
def test_a_jpeg_over_the_limit_is_decoded_at_half_its_sides(name):
    whole = opened(name)
    pixels = whole.width * whole.height
    half = open_image(SAMPLES[name], limits=ImageLimits(max_pixels=pixels - 1))
    assert half.size == ((whole.width + 1) // 2, (whole.height + 1) // 2)
    with pytest.raises(ImageTooLargeError, match="over the limit of"):
        open_image(SAMPLES[name], limits=ImageLimits(max_pixels=(pixels - 1) // 4))


@pytest.mark.case(60)
def test_a_phone_photo_of_50_megapixels_is_read():
    assert ImageLimits().max_pixels >= 8192 * 6144
    limits = ImageLimits(max_pixels=8 * 6)
    assert open_image(encode(Image.new("RGB", (8, 6), "red"), "PNG"), limits=limits).size == (8, 6)


def test_a_large_progressive_jpeg_needs_a_limit_of_its_own():
    data, pixels = SAMPLES["jpeg-progressive"], WIDTH * HEIGHT
    with pytest.raises(BufferedImageError, match=f"progressive JPEG of {WIDTH} x {HEIGHT} pixels"):
        open_image(data, limits=ImageLimits(max_pixels=pixels - 1))
    allowed = ImageLimits(max_pixels=pixels - 1, max_pixels_in_scans=pixels)
    assert open_image(data, limits=allowed).size == ((WIDTH + 1) // 2, (HEIGHT + 1) // 2)
