"""Strict decoding although another library has told Pillow to fill in missing data."""

from __future__ import annotations

import threading
import zlib

import pytest
from PIL import ImageFile

from embeddings import BrokenImageError, ImageError
from embeddings.images import open_image
from tests.support.image_samples import (
    SAMPLES,
    gif,
    opened,
    photo,
    pixels,
    png,
    png_chunk,
    png_rows,
)


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_cut_is_an_error_or_whole_when_pillow_is_told_to_be_lenient(name):
    data = SAMPLES[name]
    assert open_image(data) == opened(name)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    for end in range(len(data)):
        try:
            image = open_image(data[:end])
        except ImageError:
            continue
        assert image == opened(name), end


@pytest.mark.usefixtures("lenient")
def test_damaged_pixels_are_never_filled_in():
    rows = png_rows(pixels(photo()))
    short = zlib.compress(rows[:-30])
    whole = png(photo().size, 8, 2, rows)
    start = whole.index(b"IDAT") - 4
    cut = whole[:start] + png_chunk(b"IDAT", short) + png_chunk(b"IEND", b"")
    noise = whole[:start] + png_chunk(b"IDAT", b"x" * 50) + png_chunk(b"IEND", b"")
    for data in (cut, noise, gif((4, 4), (0, 0, 4, 4), [1, 2, 3])):
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
