"""Animations and giant metadata: the decoder never sees them (CASES.md, rows 4 and 5)."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from embeddings import BrokenImageError
from embeddings.images import open_image
from tests.support.image_samples import SAMPLES, encode, opened, photo, pixels, png_chunk, png_with


@pytest.mark.case(4)
@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_ten_thousand_frames_leave_the_first(kind, decoder_inputs):
    frames = [Image.new("RGB", (4, 4), (i % 256, i // 256, 9)) for i in range(10_000)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert len(data) > 100_000
    assert open_image(data).getpixel((2, 2)) == (0, 0, 9)
    assert max(map(len, decoder_inputs)) < 1000


def test_an_avif_film_is_read_as_its_still():
    still = open_image(encode(photo(), "AVIF"))
    assert np.abs(pixels(opened("avif-animated")).astype(int) - pixels(still)).mean() < 8


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


@pytest.mark.case(5)
@pytest.mark.parametrize("name", GIANTS)
def test_giant_metadata_is_ignored(name, decoder_inputs):
    assert open_image(GIANTS[name]) == opened(name)
    assert max(map(len, decoder_inputs)) < 2000


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
