"""Pictures: what is refused, with which error, and at what cost."""

from __future__ import annotations

import os
import re
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from embeddings import BrokenImageError, ImageError, ImageTooLargeError, UnsupportedImageError
from embeddings.images import ImageLimits, open_image
from embeddings.images import decoding as module
from embeddings.images.decoding import ALLOWED_FORMATS
from tests.support import image_samples as samples
from tests.support.image_samples import SAMPLES, encode, photo, png, png_chunk, png_rows, png_with

FUZZ_EXAMPLES = int(os.environ.get("LOOKALIKE_FUZZ_EXAMPLES", "300"))
BY_FORMAT = samples.by_format()
UPRIGHT = {name: open_image(data) for name, data in SAMPLES.items()}


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


@pytest.fixture
def lenient(monkeypatch):
    """Another library has told Pillow to fill in what is missing."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)


# What is not a picture


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"hello, I am a text named photo.jpg",
        b"BMW, Mini and other names that start like a bitmap",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\xc5\xd0\xd3\xc6" + bytes(40),
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + SAMPLES["jpeg"],
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?><svg/>',
        b"P6 1 1 255 abc",
        b"\0\0\1\0\1\0" + SAMPLES["png"],
        b"8BPS" + bytes(60),
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
        b"PK\x03\x04" + SAMPLES["jpeg"],
        b"\n" + SAMPLES["png"],
    ],
)
def test_what_is_no_picture_is_unsupported(data):
    with pytest.raises(UnsupportedImageError, match="JPEG, PNG, WebP"):
        open_image(data)


@given(st.text())
def test_text_is_unsupported(text):
    with pytest.raises(UnsupportedImageError):
        open_image(text.encode())


@pytest.mark.parametrize(
    ("data", "name"), [(b"", "empty"), (b"%PDF-1.4", "PDF"), (b" <SVG >", "SVG")]
)
def test_the_error_says_what_was_sent_instead(data, name):
    with pytest.raises(UnsupportedImageError, match=name):
        open_image(data)


def test_no_other_decoder_is_consulted(monkeypatch):
    kinds = ("PPM", "ICO", "TGA", "PCX", "JPEG2000", "EPS")
    strangers = [encode(photo(), kind) for kind in kinds]

    def consulted(*args, **kwargs):
        raise AssertionError("the registry was asked")

    monkeypatch.setattr(Image, "open", consulted)
    monkeypatch.setattr(Image, "init", consulted)
    monkeypatch.setattr(Image, "OPEN", {})
    for data in SAMPLES.values():
        open_image(data)
    for data in strangers:
        with pytest.raises(UnsupportedImageError):
            open_image(data)


def test_every_allowed_format_has_samples():
    assert set(ALLOWED_FORMATS) == set(BY_FORMAT)


# Cut short


@pytest.mark.parametrize("name", SAMPLES)
def test_every_cut_is_an_error(name):
    data = SAMPLES[name]
    for end in range(len(data)):
        try:
            image = open_image(data[:end])
        except ImageError:
            continue
        # The pixels of a second page may be missing, since nobody looks at them.
        assert name == "tiff-pages", end
        assert image == UPRIGHT[name], end


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("name", SAMPLES)
def test_every_cut_is_an_error_when_pillow_is_told_to_be_lenient(name):
    data = SAMPLES[name]
    assert open_image(data) == UPRIGHT[name]
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    for end in range(len(data)):
        try:
            image = open_image(data[:end])
        except ImageError:
            continue
        assert name == "tiff-pages", end
        assert image == UPRIGHT[name], end


@pytest.mark.usefixtures("lenient")
def test_damaged_pixels_are_never_filled_in():
    rows = png_rows(pixels(photo()))
    short = zlib.compress(rows[:-30])
    whole = png(photo().size, 8, 2, rows)
    start = whole.index(b"IDAT") - 4
    cut = whole[:start] + png_chunk(b"IDAT", short) + png_chunk(b"IEND", b"")
    noise = whole[:start] + png_chunk(b"IDAT", b"x" * 50) + png_chunk(b"IEND", b"")
    for data in (cut, noise, samples.gif((4, 4), (0, 0, 4, 4), [1, 2, 3])):
        with pytest.raises(BrokenImageError):
            open_image(data)


@pytest.mark.usefixtures("lenient")
def test_leniency_comes_back_after_threads_have_decoded():
    failures = []

    def decode():
        for _ in range(100):
            try:
                open_image(SAMPLES["png"][:-40])
            except BrokenImageError:
                continue
            failures.append("opened")

    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize(
    "options", [{}, {"restart_marker_blocks": 5}, {"restart_marker_rows": 1}, {"optimize": True}]
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_cut_jpeg_with_a_new_end_marker_is_broken(mode, options):
    data = encode(photo(120, 88).convert(mode), "JPEG", **options)
    whole = pixels(open_image(data)).astype(int)
    scan = data.index(b"\xff\xda") + 14
    for end in range(scan, len(data) - 2):
        try:
            image = open_image(data[:end] + b"\xff\xd9")
        except BrokenImageError:
            continue
        # Within the last block, a cut can't be told from other pixels.
        changed = np.abs(pixels(image) - whole).max(axis=2) > 0
        assert not changed[:-17].any(), end
        assert not changed[:, :-17].any(), end


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
def test_a_picture_that_ends_in_the_filler_grey_is_whole(mode, options):
    grey = photo(64, 48)
    grey.paste((128, 128, 128), (16, 16, 64, 48))
    plain = Image.new(mode, (40, 30), {"RGB": (128,) * 3, "L": 128, "CMYK": (127,) * 4}[mode])
    for image in (grey.convert(mode), plain):
        assert open_image(encode(image, "JPEG", quality=95, **options)).size == image.size


def test_a_flipped_bit_in_a_png_is_broken():
    data = SAMPLES["png"]
    for at in range(16, len(data) - 12):
        flipped = bytearray(data)
        flipped[at] ^= 4
        with pytest.raises(ImageError):
            open_image(bytes(flipped))


# Too large


def _patched_png() -> bytes:
    body = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return SAMPLES["png"][:8] + png_chunk(b"IHDR", body) + SAMPLES["png"][33:]


def _patched_tiff(**tags: int) -> bytes:
    numbers = {"width": 256, "height": 257, "tile_width": 322, "tile_height": 323, "rows": 278}
    fields = samples.grey_tags(20, 18) | {numbers[k]: ("I", [v]) for k, v in tags.items()}
    return samples.tiff(fields, [bytes(360)])


def _hidden_avif() -> bytes:
    """An AVIF that says 64 x 64 around a coded frame of 8,000 x 8,000."""
    data = bytearray(encode(Image.new("RGB", (8000, 8000)), "AVIF", speed=10))
    struct.pack_into(">II", data, data.index(b"ispe") + 8, 64, 64)
    return bytes(data)


BOMBS = {
    "PNG": _patched_png(),
    "JPEG": samples.patched("jpeg", SAMPLES["jpeg"].index(b"\xff\xc0") + 5, ">HH", 60_000, 60_000),
    "WebP": samples.patched("webp", 26, "<HH", 16_383, 16_383),
    "WebP lossless": samples.patched("webp-lossless", 21, "<I", 16_383 | 16_383 << 14),
    "WebP extended": samples.patched("webp-alpha-exif", 24, "<IH", 59_999 | 0x5F << 24, 0xEA),
    "GIF": samples.patched("gif", 6, "<HH", 60_000, 60_000),
    "GIF frame": samples.gif((4, 4), (0, 0, 60_000, 60_000), [1, 2]),
    "BMP": samples.patched("bmp", 18, "<ii", 60_000, -60_000),
    "TIFF": _patched_tiff(width=60_000, height=60_000),
    "TIFF tile": _patched_tiff(tile_width=60_000, tile_height=60_000),
    "AVIF": samples.patched("avif", SAMPLES["avif"].index(b"ispe") + 8, ">II", 60_000, 60_000),
    "AVIF frame": _hidden_avif(),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_declared_size_over_the_limit_never_reaches_a_decoder(name, monkeypatch):
    monkeypatch.setattr(module, "_DECODERS", {})
    with pytest.raises(ImageTooLargeError, match="over the limit of 50,000,000 pixels"):
        open_image(BOMBS[name])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WebP", "GIF", "BMP"])
def test_a_large_size_is_seen_even_in_a_cut_file(name):
    with pytest.raises(ImageTooLargeError):
        open_image(BOMBS[name][: len(BOMBS[name]) * 2 // 3])


@pytest.mark.parametrize("name", SAMPLES)
def test_the_limit_is_exact(name):
    image = UPRIGHT[name]
    needed = image.width * image.height
    if name == "tiff-tiled":
        needed = 32 * 32  # whole tiles are decoded
    assert open_image(SAMPLES[name], limits=ImageLimits(max_pixels=needed)) == image
    with pytest.raises(ImageTooLargeError):
        open_image(SAMPLES[name], limits=ImageLimits(max_pixels=needed - 1))


def test_too_many_bytes():
    data = SAMPLES["png"]
    open_image(data, limits=ImageLimits(max_bytes=len(data)))
    with pytest.raises(ImageTooLargeError, match="bytes"):
        open_image(data, limits=ImageLimits(max_bytes=len(data) - 1))


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
            assert open_image(SAMPLES[name]) == UPRIGHT[name]
        except ImageTooLargeError:
            assert name.startswith(("webp", "tiff"))


# Animations and metadata


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_ten_thousand_frames_leave_the_first(kind, monkeypatch):
    frames = [Image.new("RGB", (4, 4), (i % 256, i // 256, 9)) for i in range(10_000)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    kept = []
    decoder = module._DECODERS[kind]

    def watch(file):
        kept.append(len(file.getvalue()))
        return decoder(file)

    monkeypatch.setitem(module._DECODERS, kind, watch)
    assert open_image(data).getpixel((2, 2)) == (0, 0, 9)
    assert len(data) > 100_000
    assert max(kept) < 1000


def test_an_avif_film_is_read_as_its_still():
    still = open_image(encode(photo(), "AVIF"))
    assert np.abs(pixels(UPRIGHT["avif-animated"]).astype(int) - pixels(still)).mean() < 8


def _giant_jpeg() -> bytes:
    segment = b"\xff\xe2" + struct.pack(">H", 65_000) + b"ICC_PROFILE\0" + bytes(64_986)
    comment = b"\xff\xfe" + struct.pack(">H", 65_000) + bytes(64_998)
    return SAMPLES["jpeg"][:2] + segment * 100 + comment * 100 + SAMPLES["jpeg"][2:]


def _giant_webp() -> bytes:
    chunks = b"".join(kind + struct.pack("<I", 10**6) + bytes(10**6) for kind in (b"ICCP", b"XMP "))
    data = SAMPLES["webp-alpha-exif"]
    return data[:4] + struct.pack("<I", len(data) - 8 + len(chunks)) + data[8:] + chunks


_BOMB_TEXT = zlib.compress(bytes(80 * 2**20))
GIANTS = {
    "jpeg": _giant_jpeg(),
    "webp-alpha-exif": _giant_webp(),
    "png": png_with(
        SAMPLES["png"],
        *[png_chunk(b"zTXt", b"a%d\0\0" % i + _BOMB_TEXT) for i in range(3)],
        png_chunk(b"iTXt", b"b\0\1\0\0\0" + _BOMB_TEXT),
        png_chunk(b"iCCP", b"c\0\0" + _BOMB_TEXT),
        png_chunk(b"tEXt", b"d\0" + bytes(2**20)) * 3,
        png_chunk(b"prVt", bytes(2**20)),
        png_chunk(b"eXIf", bytes(2**20)),
        png_chunk(b"gAMA", b""),
    ),
    "gif": SAMPLES["gif"][:-1] + b"!\xfe" + (b"\xff" + bytes(255)) * 9999 + b"\0;",
}


@pytest.mark.parametrize("name", GIANTS)
def test_giant_metadata_is_ignored(name, monkeypatch):
    kept = []
    kind = next(k for k, group in BY_FORMAT.items() if name in group)
    decoder = module._DECODERS[kind]
    monkeypatch.setitem(
        module._DECODERS, kind, lambda file: kept.append(len(file.getvalue())) or decoder(file)
    )
    assert open_image(GIANTS[name]) == UPRIGHT[name]
    assert max(kept) < 2000


@pytest.mark.parametrize(
    "data",
    [
        SAMPLES["jpeg"][:2] + b"\xff\xfe\0\2" * 20_000 + SAMPLES["jpeg"][2:],
        png_with(SAMPLES["png"], png_chunk(b"tEXt", b"") * 100_001),
        SAMPLES["avif"] + b"\0\0\0\x08free" * 100_001,
    ],
)
def test_a_million_empty_parts_are_refused(data):
    with pytest.raises(BrokenImageError, match="too many"):
        open_image(data)


def test_a_thousand_scans_are_refused():
    data = SAMPLES["jpeg-progressive"]
    last = data.rindex(b"\xff\xda")
    with pytest.raises(BrokenImageError, match="too many scans"):
        open_image(data[:-2] + data[last:-2] * 1000 + data[-2:])


def test_a_tiff_that_points_at_itself():
    data = SAMPLES["tiff-big"]
    start = struct.unpack_from("<Q", data, 8)[0]
    looping = data[:-8] + struct.pack("<Q", start)
    assert open_image(looping) == UPRIGHT["tiff-big"]


def test_a_tiff_whose_strips_share_bytes_is_refused():
    tags = samples.grey_tags(4, 400) | {259: ("H", [8]), 278: ("I", [1])}
    piece = zlib.compress(bytes(4))
    honest = samples.tiff(tags, [piece] * 400)
    assert open_image(honest).size == (4, 400)
    shared = tags | {273: ("I", [8] * 400), 279: ("I", [len(piece) * 400] * 400)}
    with pytest.raises(BrokenImageError, match="add up"):
        open_image(samples.tiff(shared, [piece] * 400))


# Whatever comes


@pytest.mark.parametrize(
    "error",
    [
        SyntaxError, OSError, ValueError, struct.error, EOFError, IndexError, KeyError,
        ZeroDivisionError, MemoryError, OverflowError, RuntimeError, RecursionError, TypeError,
    ],
)  # fmt: skip
def test_whatever_a_decoder_raises_is_a_broken_picture(error, monkeypatch):
    def fail(file):
        raise error("<_io.BytesIO object at 0x7f00> in /srv/secret")

    monkeypatch.setitem(module._DECODERS, "PNG", fail)
    with pytest.raises(BrokenImageError) as broken:
        open_image(SAMPLES["png"])
    assert not re.search(r"0x|/|object", broken.value.message)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert", "copy"]), st.floats(0, 1), st.binary(max_size=9)
    ),
    min_size=1,
    max_size=6,
)


def _mutate(data: bytes, mutations: list[tuple[str, float, bytes]]) -> bytes:
    out = bytearray(data)
    for how, where, value in mutations:
        at = int(where * len(out))
        if how == "set":
            out[at : at + len(value)] = value
        elif how == "cut":
            del out[at : at + len(value)]
        elif how == "insert":
            out[at:at] = value
        else:
            out[at:at] = out[at : at + 40]
    return bytes(out)


def _mend(data: bytes) -> bytes:
    """Give a PNG's chunks right checksums again, so that mutations get past them."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        length = int.from_bytes(out[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


@pytest.mark.parametrize("kind", ALLOWED_FORMATS)
def test_mutated_pictures_open_or_are_image_errors(kind):
    limits = ImageLimits(max_pixels=100_000)

    @settings(
        max_examples=FUZZ_EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(sorted(BY_FORMAT[kind])), MUTATIONS, st.booleans())
    @example(next(iter(BY_FORMAT[kind])), [("set", 0.5, b"\xff\xff\xff\xff")], True)
    def run(name, mutations, mend):
        data = _mutate(SAMPLES[name], mutations)
        if mend and kind == "PNG":
            data = _mend(data)
        try:
            image = open_image(data, limits=limits, target=8)
        except ImageError as error:
            refusal = error
        else:
            refusal = None
        if refusal is not None:
            assert refusal.code in {"unsupported_image", "broken_image", "image_too_large"}
            assert "/" not in refusal.message
            return
        assert image.mode == "RGB"
        assert image.width * image.height <= limits.max_pixels
        assert image.info == {}

    run()
