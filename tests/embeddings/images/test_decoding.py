"""`open_image`: which images open, and with which pixels."""

from __future__ import annotations

import io
import re
import struct
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

from embeddings import BrokenImageError, ImageTooLargeError, UnsupportedImageError
from embeddings.images import ImageLimits, decoding, open_image
from embeddings.images.decoding import ALLOWED_FORMATS
from tests.support.image_samples import (
    BY_FORMAT,
    SAMPLES,
    encode,
    exif_bytes,
    opened,
    photo,
    pixels,
    png_chunk,
    png_with,
)

ORIENTED = {
    # EXIF orientation -> how a viewer must turn the stored rows (EXIF 2.32, 4.6.4, tag 274).
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.case(7)
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_open_as_plain_rgb(name):
    image = opened(name)
    assert type(image) is Image.Image
    assert image.mode == "RGB"
    assert image.info == {}
    assert pixels(image).shape == (image.height, image.width, 3)
    assert pixels(image).std() > 0 or name == "tiff-float"  # of one grey


@pytest.mark.parametrize(
    "name",
    [
        "jpeg", "jpeg-progressive", "jpeg-restarts", "jpeg-grey", "jpeg-cmyk", "png", "png-1",
        "png-animated", "webp", "webp-lossless", "webp-animated", "gif", "gif-interlaced",
        "gif-animated", "bmp", "bmp-palette", "bmp-1", "tiff", "tiff-tiff_lzw", "tiff-jpeg",
        "tiff-packbits", "tiff-tiff_adobe_deflate", "tiff-pages", "avif", "avif-animated",
    ],
)  # fmt: skip
def test_cutting_metadata_away_changes_no_pixel(name):
    with Image.open(io.BytesIO(SAMPLES[name])) as plain:
        np.testing.assert_array_equal(pixels(opened(name)), pixels(plain.convert("RGB")))


def test_lossless_samples_are_exact():
    for name in ("png", "png-interlaced", "bmp", "bmp-32", "tiff", "webp-lossless", "tiff-pages"):
        np.testing.assert_array_equal(pixels(opened(name)), pixels(photo()), err_msg=name)


def test_tiles_land_where_they_belong():
    ramp = np.add.outer(10 * np.arange(18), np.arange(20))
    np.testing.assert_array_equal(pixels(opened("tiff-tiled"))[..., 0], ramp)
    assert [v[0] for v in pixels(opened("tiff-big")).reshape(-1, 3)] == [1, 2, 3, 4]


@pytest.mark.case(7)
@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (65_500, 1)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_extreme_shapes(size, kind):
    image = open_image(encode(Image.new("RGB", size, (255, 255, 255)), kind))
    assert image.size == size
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_trailing_bytes_after_the_end_are_ignored():
    for name in ("jpeg", "png", "webp", "gif", "bmp"):
        for tail in (b"\0" * 7, b"junk", SAMPLES["jpeg"], b"PK\x03\x04" + bytes(30)):
            assert open_image(SAMPLES[name] + tail) == opened(name), (name, tail)


def test_an_image_with_an_embedded_preview():
    preview = SAMPLES["jpeg-grey"]
    segment = b"\xff\xe5" + struct.pack(">H", len(preview) + 2) + preview
    data = SAMPLES["jpeg"][:2] + segment + SAMPLES["jpeg"][2:]
    assert open_image(data) == opened("jpeg")
    with pytest.raises(BrokenImageError):
        open_image(data[: len(segment) + 60])


def test_a_multi_picture_jpeg_gives_the_first_image():
    out = io.BytesIO()
    photo().save(out, "MPO", save_all=True, append_images=[photo(seed=1)])
    assert open_image(out.getvalue()) == open_image(encode(photo(), "JPEG"))


@pytest.mark.case(6)
@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 95}}
    image = open_image(encode(photo(24, 16), kind, exif=exif, **options.get(kind, {})))
    wanted = ORIENTED[orientation](pixels(photo(24, 16))).astype(int)
    assert pixels(image).shape == wanted.shape
    exact = kind in ("PNG", "WEBP", "TIFF")
    assert np.abs(pixels(image) - wanted).mean() <= (0 if exact else 6)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_orientation_agrees_with_pillow(orientation):
    data = encode(photo(), "PNG", exif=exif_bytes(orientation))
    with Image.open(io.BytesIO(data)) as plain:
        wanted = pixels(ImageOps.exif_transpose(plain))
    np.testing.assert_array_equal(pixels(open_image(data)), wanted)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0garbage that is no TIFF",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(7),
        exif_bytes(0),
        exif_bytes(9),
        exif_bytes(65_535),
        exif_bytes(6)[:-9],
    ],
)
def test_malformed_exif_leaves_the_image_as_it_is(kind, exif):
    whole = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp-lossless", "AVIF": "avif"}[kind]
    if kind == "AVIF":
        # Same length in, same length out: no offset in the file moves.
        sane = encode(photo(), "AVIF", exif=b"Exif\0\0II*\0\x08\0\0\0" + bytes(40))
        data = sane.replace(b"II*\0\x08\0\0\0", exif[6:14].ljust(8, b"?"))
        assert data != sane or exif[6:14] == b"II*\0\x08\0\0\0"
    elif kind == "JPEG":
        segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        data = SAMPLES["jpeg"][:2] + segment + SAMPLES["jpeg"][2:]
    elif kind == "PNG":
        data = png_with(SAMPLES["png"], png_chunk(b"eXIf", exif[6:]))
    else:
        data = encode(photo(), "WEBP", lossless=True, exif=exif)
    assert open_image(data) == opened(whole)


@pytest.mark.parametrize("target", [1, 30, 61, 62, 100, 123, 124, 247, 248, 249, 4000])
@pytest.mark.parametrize("size", [(495, 640), (640, 495), (248, 248)])
def test_reduced_decoding_never_goes_below_the_target(target, size):
    image = open_image(encode(photo(*size), "JPEG"), target=target)
    scale = round(size[0] / image.width)
    assert scale in (1, 2, 4, 8)
    assert image.size == tuple(-(-side // scale) for side in size)
    assert min(image.size) >= min(target, *size)
    if scale < 8:
        assert min(size) // (2 * scale) < target


def test_reduced_decoding_shows_the_same_image():
    data = encode(photo(640, 480), "JPEG", exif=exif_bytes(6))
    small = open_image(data, target=100)
    assert small.size == (120, 160)
    wanted = open_image(data).resize((120, 160), Image.Resampling.BOX)
    assert np.abs(pixels(small).astype(int) - pixels(wanted)).mean() < 2


@pytest.mark.case(8)
def test_no_other_decoder_is_tried(monkeypatch):
    kinds = ("PPM", "ICO", "TGA", "PCX", "JPEG2000", "EPS")
    others = [encode(photo(), kind) for kind in kinds]

    def forbidden(*args, **kwargs):
        raise AssertionError("Pillow's registry was asked")

    expected = {name: opened(name) for name in SAMPLES}
    monkeypatch.setattr(Image, "open", forbidden)
    monkeypatch.setattr(Image, "init", forbidden)
    monkeypatch.setattr(Image, "OPEN", {})
    for name, data in SAMPLES.items():
        assert open_image(data) == expected[name], name
    for data in others:
        with pytest.raises(UnsupportedImageError, match="send JPEG, PNG"):
            open_image(data)


def test_every_allowed_format_has_samples():
    assert set(ALLOWED_FORMATS) == set(BY_FORMAT)


def test_too_many_bytes():
    data = SAMPLES["png"]
    assert open_image(data, limits=ImageLimits(max_bytes=len(data))) == opened("png")
    limit = len(data) - 1
    with pytest.raises(
        ImageTooLargeError, match=f"{len(data):,} bytes, over the limit of {limit:,}"
    ):
        open_image(data, limits=ImageLimits(max_bytes=limit))


@pytest.mark.parametrize("values", [{"max_bytes": 0}, {"max_pixels": 0}, {"max_pixels": 10**8}])
def test_limits_have_bounds(values):
    with pytest.raises(ValueError, match="max_"):
        ImageLimits(**values)


@pytest.mark.parametrize("name", SAMPLES)
def test_pillows_own_guard_never_leaks(name, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert open_image(SAMPLES[name]) == opened(name)
        except ImageTooLargeError:
            assert name.startswith(("webp", "tiff"))


@pytest.mark.parametrize(
    "error",
    [
        SyntaxError, OSError, ValueError, struct.error, EOFError, IndexError, KeyError,
        ZeroDivisionError, OverflowError, RuntimeError, RecursionError, TypeError,
    ],
)  # fmt: skip
def test_any_exception_of_a_decoder_is_a_broken_image(error, monkeypatch):
    def fail(file):
        raise error("<_io.BytesIO object at 0x7f00> in /srv/secret")

    monkeypatch.setitem(decoding._DECODERS, "PNG", fail)
    with pytest.raises(BrokenImageError) as broken:
        open_image(SAMPLES["png"])
    assert not re.search(r"0x|/|object", broken.value.message)
    assert "save it again as JPEG or PNG" in broken.value.message


def test_a_decoder_without_enough_memory_finds_the_image_too_large(monkeypatch):
    def fail(file):
        raise MemoryError("<_io.BytesIO object at 0x7f00> in /srv/secret")

    monkeypatch.setitem(decoding._DECODERS, "PNG", fail)
    with pytest.raises(ImageTooLargeError, match="takes more memory") as large:
        open_image(SAMPLES["png"])
    assert not re.search(r"0x|/|object", large.value.message)
