"""Cut and damaged files: filler pixels are never returned (CASES.md, row 2)."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from embeddings import BrokenImageError, ImageError
from embeddings.images import open_image
from tests.support.image_samples import SAMPLES, encode, opened, photo, pixels

# Bytes after the pixels that a browser does without: an end marker, or the padding of a chunk.
END_MARKERS = {"jpeg": 2, "jpeg-restarts": 2, "jpeg-cmyk": 2, "png": 12, "png-1": 12, "gif": 1}


@pytest.mark.case(2)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_cut_is_an_error_unless_all_pixels_are_there(name):
    data = SAMPLES[name]
    for end in range(len(data)):
        try:
            image = open_image(data[:end])
        except ImageError:
            continue
        assert image == opened(name), end


@pytest.mark.case(60)
@pytest.mark.parametrize(("name", "size"), END_MARKERS.items())
def test_a_missing_end_marker_costs_nothing(name, size):
    data = SAMPLES[name]
    for missing in range(1, size + 1):
        assert open_image(data[:-missing]) == opened(name)
    with pytest.raises(BrokenImageError):
        open_image(data[: -size - 3])


@pytest.mark.case(60)
def test_missing_padding_at_the_end_of_a_webp_costs_nothing():
    for seed in range(20):
        data = encode(photo(seed=seed), "WEBP")
        if data[16] % 2:  # the length of the only chunk
            assert open_image(data[:-1]) == open_image(data)


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
def test_an_image_that_ends_in_the_filler_grey_is_whole(mode, options):
    grey = photo(64, 48)
    grey.paste((128, 128, 128), (16, 16, 64, 48))
    plain = Image.new(mode, (40, 30), {"RGB": (128,) * 3, "L": 128, "CMYK": (127,) * 4}[mode])
    for image in (grey.convert(mode), plain):
        data = encode(image, "JPEG", quality=95, **options)
        with Image.open(io.BytesIO(data)) as plain:
            np.testing.assert_array_equal(pixels(open_image(data)), pixels(plain.convert("RGB")))


def test_a_flipped_bit_in_a_png_is_broken():
    data = SAMPLES["png"]
    for at in range(16, len(data) - 12):
        flipped = bytearray(data)
        flipped[at] ^= 4
        with pytest.raises(ImageError):
            open_image(bytes(flipped))
