"""Pictures: what opens, and with which pixels."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from embeddings import BrokenImageError, ImageTooLargeError, UnsupportedImageError
from embeddings.images import ImageLimits, make_thumbnail, open_image, read_image
from tests.support import image_samples as samples
from tests.support.image_samples import SAMPLES, encode, exif_bytes, photo, png, png_chunk, png_with

UPRIGHT = {name: open_image(data) for name, data in SAMPLES.items()}
ORIENTED = {
    # EXIF orientation -> what a viewer must do to the stored rows (EXIF 2.32, 4.6.4, tag 274).
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


# Whole pictures


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_open_as_plain_rgb(name):
    image = UPRIGHT[name]
    assert type(image) is Image.Image
    assert image.mode == "RGB"
    assert image.info == {}
    assert len(image.tobytes()) == 3 * image.width * image.height


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
        np.testing.assert_array_equal(pixels(UPRIGHT[name]), pixels(plain.convert("RGB")))


def test_lossless_samples_are_exact():
    for name in ("png", "png-interlaced", "bmp", "bmp-32", "tiff", "webp-lossless", "tiff-pages"):
        np.testing.assert_array_equal(pixels(UPRIGHT[name]), pixels(photo()), err_msg=name)


def test_tiles_land_where_they_belong():
    ramp = np.add.outer(10 * np.arange(18), np.arange(20))
    np.testing.assert_array_equal(pixels(UPRIGHT["tiff-tiled"])[..., 0], ramp)
    assert [v[0] for v in pixels(UPRIGHT["tiff-big"]).reshape(-1, 3)] == [1, 2, 3, 4]


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (65_500, 1)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_extreme_shapes(size, kind):
    image = open_image(encode(Image.new("RGB", size, (255, 255, 255)), kind))
    assert image.size == size
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_trailing_bytes_after_the_end_are_ignored():
    for name in ("jpeg", "png", "webp", "gif", "bmp"):
        for tail in (b"\0" * 7, b"junk", SAMPLES["jpeg"], b"PK\x03\x04" + bytes(30)):
            assert open_image(SAMPLES[name] + tail) == UPRIGHT[name], (name, tail)


def test_a_picture_with_an_embedded_preview():
    preview = SAMPLES["jpeg-grey"]
    segment = b"\xff\xe5" + struct.pack(">H", len(preview) + 2) + preview
    data = SAMPLES["jpeg"][:2] + segment + SAMPLES["jpeg"][2:]
    assert open_image(data) == UPRIGHT["jpeg"]
    with pytest.raises(BrokenImageError):
        open_image(data[: len(segment) + 60])


def test_a_multi_picture_jpeg_gives_the_first():
    out = io.BytesIO()
    photo().save(out, "MPO", save_all=True, append_images=[photo(seed=1)])
    assert open_image(out.getvalue()) == open_image(encode(photo(), "JPEG"))


# Orientation


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
def test_malformed_exif_leaves_the_picture_as_it_is(kind, exif):
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
    assert open_image(data) == UPRIGHT[whole]


# Colours


def _blend(colour: int, alpha: int) -> int:
    return round((colour * alpha + 255 * (255 - alpha)) / 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_laid_on_white(kind):
    stored = [(255, 0, 0, 255), (0, 0, 0, 0), (0, 100, 200, 128), (10, 20, 30, 1)]
    image = Image.new("RGBA", (4, 1))
    image.putdata(stored)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    opened = open_image(encode(image, kind, **options))
    wanted = [tuple(_blend(c, alpha) for c in rgb) for *rgb, alpha in stored]
    assert [tuple(p) for p in pixels(opened)[0]] == wanted


def test_grey_with_alpha_is_laid_on_white():
    image = Image.new("LA", (3, 1))
    image.putdata([(0, 255), (0, 0), (100, 51)])
    for kind in ("PNG", "TIFF"):
        opened = pixels(open_image(encode(image, kind)))[0]
        assert opened.tolist() == [[0] * 3, [255] * 3, [_blend(100, 51)] * 3]


def test_premultiplied_alpha_is_laid_on_white():
    tags = samples.grey_tags(2, 1) | {
        258: ("H", [8] * 4), 262: ("H", [2]), 277: ("H", [4]), 338: ("H", [1]),
    }  # fmt: skip
    data = samples.tiff(tags, [bytes((50, 25, 0, 100, 0, 0, 0, 0))])
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


def test_what_a_gif_frame_leaves_bare_is_white():
    image = pixels(open_image(samples.gif((4, 3), (1, 1, 2, 1), [0, 2])))
    red, blue, white = [255, 0, 0], [0, 0, 255], [255, 255, 255]
    assert image[1].tolist() == [white, red, blue, white]
    assert (image[[0, 2]] == 255).all()
    clear = pixels(UPRIGHT["gif-offset"])
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
    data = samples.tiff(samples.grey_tags(2, 2, 16), [values.astype(">u2").tobytes()], order=">")
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


def test_one_bit_pictures_are_black_and_white():
    image = Image.new("1", (9, 2))
    image.putpixel((8, 1), 1)
    for kind in ("PNG", "BMP", "TIFF", "GIF"):
        opened = pixels(open_image(encode(image, kind)))
        assert opened[1, 8].tolist() == [255, 255, 255]
        assert opened.sum() == 3 * 255


@pytest.mark.parametrize(
    "tags",
    [
        {258: ("H", [32])},
        {258: ("H", [12])},
        {339: ("H", [2])},
        {258: ("H", [16]), 262: ("H", [0])},
        {262: ("H", [6]), 258: ("H", [8] * 3), 277: ("H", [3])},
        {262: ("H", [8]), 258: ("H", [8] * 3), 277: ("H", [3])},
        {259: ("H", [4])},
        {259: ("H", [34_925])},
    ],
)
def test_a_tiff_that_would_show_wrong_colours_is_unsupported(tags):
    data = samples.tiff(samples.grey_tags(4, 4) | tags, [bytes(256)])
    with pytest.raises(UnsupportedImageError, match="save it as JPEG or PNG"):
        open_image(data)


def test_run_length_bmp_is_unsupported():
    with pytest.raises(UnsupportedImageError, match="compression"):
        open_image(samples.patched("bmp-palette", 30, "<I", 1))


# Reduced decoding


@pytest.mark.parametrize("target", [1, 30, 61, 62, 100, 123, 124, 247, 248, 249, 4000])
@pytest.mark.parametrize("size", [(495, 640), (640, 495), (248, 248)])
def test_reduced_decoding_never_goes_below_the_target(target, size):
    image = open_image(encode(photo(*size), "JPEG"), target=target)
    scale = round(size[0] / image.width)
    assert scale in (1, 2, 4, 8)
    assert image.size == tuple(-(-side // scale) for side in size)
    assert min(image.size) >= min(target, min(size))
    if scale < 8:
        assert min(size) // (2 * scale) < target


def test_reduced_decoding_shows_the_same_picture():
    data = encode(photo(640, 480), "JPEG", exif=exif_bytes(6))
    small = open_image(data, target=100)
    assert small.size == (120, 160)
    wanted = open_image(data).resize((120, 160), Image.Resampling.BOX)
    assert np.abs(pixels(small).astype(int) - pixels(wanted)).mean() < 2


# Files


def test_a_file_is_read(tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(SAMPLES["png"])
    assert read_image(path) == UPRIGHT["png"]


def test_a_file_over_the_limit_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(SAMPLES["png"])
    monkeypatch.setattr(os, "fdopen", lambda *args, **kwargs: pytest.fail("it was read"))
    with pytest.raises(ImageTooLargeError):
        read_image(path, limits=ImageLimits(max_bytes=100))


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo.png")
    return folder / "fifo.png"


@pytest.mark.parametrize(
    "make",
    [
        _fifo,
        lambda folder: folder,
        lambda folder: Path("/dev/zero"),
        lambda folder: folder / "missing.png",
        lambda folder: folder / "nul\0.png",
        lambda folder: folder / ("x" * 5000),
    ],
)
def test_what_is_no_regular_file_is_refused(make, tmp_path):
    path = make(tmp_path)
    with pytest.raises(UnsupportedImageError) as refused:
        read_image(path)
    assert str(tmp_path) not in refused.value.message
    assert "/" not in refused.value.message


def test_a_refused_file_is_closed(tmp_path, monkeypatch):
    opened, closed = [], []
    real_open, real_close = os.open, os.close
    monkeypatch.setattr(os, "open", lambda *a: opened.append(real_open(*a)) or opened[-1])
    monkeypatch.setattr(os, "close", lambda handle: closed.append(handle) or real_close(handle))
    with pytest.raises(UnsupportedImageError):
        read_image(tmp_path)
    assert opened
    assert closed == opened


# Thumbnails


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((640, 480), (320, 240)),
        ((480, 640), (240, 320)),
        ((320, 200), (320, 200)),
        ((21, 14), (21, 14)),
        ((1, 1), (1, 1)),
        ((1, 10_000), (1, 320)),
    ],
)
def test_thumbnails_fit_and_are_never_enlarged(size, wanted):
    data = make_thumbnail(photo(*size))
    with Image.open(io.BytesIO(data)) as thumbnail:
        assert thumbnail.format == "WEBP"
        assert thumbnail.size == wanted


def test_a_thumbnail_shows_the_picture_and_leaves_it_alone():
    image = photo(400, 300)
    before = image.tobytes()
    thumbnail = pixels(open_image(make_thumbnail(image, 100)))
    wanted = pixels(image.resize((100, 75), Image.Resampling.LANCZOS))
    assert np.abs(thumbnail.astype(int) - wanted).mean() < 4
    assert (image.size, image.tobytes()) == ((400, 300), before)


def test_thumbnails_carry_no_metadata():
    image = photo()
    image.info = {"exif": exif_bytes(6), "icc_profile": b"profile", "xmp": b"xmp"}
    with Image.open(io.BytesIO(make_thumbnail(image))) as thumbnail:
        assert not {"exif", "icc_profile", "xmp"} & thumbnail.info.keys()


def test_a_thumbnail_has_a_pixel():
    with pytest.raises(ValueError, match="pixel"):
        make_thumbnail(photo(), 0)
