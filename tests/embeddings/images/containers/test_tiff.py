"""TIFF: kinds that would show wrong colours, and hostile directories."""

from __future__ import annotations

import struct
import zlib

import pytest

from embeddings import BrokenImageError, UnsupportedImageError
from embeddings.images import open_image
from tests.support.image_samples import SAMPLES, grey_tags, opened, pixels, tiff


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
    data = tiff(grey_tags(4, 4) | tags, [bytes(256)])
    with pytest.raises(UnsupportedImageError, match="save it as JPEG or PNG"):
        open_image(data)


def test_a_tiff_that_points_at_itself():
    data = SAMPLES["tiff-big"]
    start = struct.unpack_from("<Q", data, 8)[0]
    looping = data[:-8] + struct.pack("<Q", start)
    assert open_image(looping) == opened("tiff-big")


def test_a_tiff_whose_strips_share_bytes_is_refused():
    tags = grey_tags(4, 400) | {259: ("H", [8]), 278: ("I", [1])}
    piece = zlib.compress(bytes(4))
    honest = tiff(tags, [piece] * 400)
    assert pixels(open_image(honest)).tolist() == [[[0, 0, 0]] * 4] * 400
    shared = tags | {273: ("I", [8] * 400), 279: ("I", [len(piece) * 400] * 400)}
    with pytest.raises(BrokenImageError, match="add up"):
        open_image(tiff(shared, [piece] * 400))


def tiff_with_tag(number: int, kind: int, values: bytes, count: int) -> bytes:
    """A grey 2 x 2 page with one more tag, whose values stand at the end of the file."""
    data = tiff(grey_tags(2, 2), [b"\1\2\3\4"])
    (start,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, start)
    entries = [data[at : at + 12] for at in range(start + 2, start + 2 + 12 * tags, 12)]
    entries = [entry for entry in entries if entry[:2] != struct.pack("<H", number)]
    directory = start + len(values)
    entries.append(struct.pack("<HHII", number, kind, count, start))
    listed = b"".join(sorted(entries, key=lambda entry: struct.unpack("<H", entry[:2])))
    head = data[:4] + struct.pack("<I", directory) + data[8:start] + values
    return head + struct.pack("<H", len(entries)) + listed + bytes(4)


RATIONAL = 5


@pytest.mark.parametrize("tag", [258, 530, 532])
def test_a_tag_of_many_values_never_reaches_a_decoder(tag, decoder_inputs):
    """Pillow makes an object of each: three million took 680 MB and nine seconds."""
    values = struct.pack("<II", 8, 1) * 100_001
    with pytest.raises(BrokenImageError, match="too many values"):
        open_image(tiff_with_tag(tag, RATIONAL, values, 100_001))
    assert decoder_inputs == []


@pytest.mark.parametrize("tag", [274, 282, 700, 33723])
def test_giant_tags_that_the_pixels_do_not_need_are_removed(tag, decoder_inputs):
    values = struct.pack("<II", 1, 1) * 100_001
    image = open_image(tiff_with_tag(tag, RATIONAL, values, 100_001))
    assert pixels(image)[..., 0].tolist() == [[1, 2], [3, 4]]
    (given,) = decoder_inputs
    (start,) = struct.unpack_from("<I", given, 4)
    assert struct.pack("<HH", tag, RATIONAL) not in given[start:]
