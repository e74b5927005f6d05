"""Decoding in worker processes, with decoders that hang and die."""

from __future__ import annotations

import os
import time
from io import BytesIO

import pytest
from PIL import Image

from embeddings import BrokenImageError, Preprocess, ResizeMode, UnsupportedImageError
from embeddings.images import ImageLimits
from indexer.image_loading import Decoded, DecodePool, DecodeTask

TASK = DecodeTask(Preprocess((8, 8), ResizeMode.SQUASH))


class TreacherousTask(DecodeTask):
    """Hangs on b"hang", dies on b"die"."""

    def __call__(self, data: bytes) -> Decoded:
        if data == b"hang":
            time.sleep(60)
        if data == b"die":
            os._exit(1)
        return super().__call__(data)


def png(colour: tuple[int, int, int], size: tuple[int, int] = (400, 100)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def test_pixels_and_thumbnail_of_a_picture() -> None:
    with DecodePool(TASK, workers=1) as pool:
        decoded = pool.result(pool.submit(png((9, 8, 7))))
    assert decoded.pixels.shape == (8, 8, 3)
    assert (decoded.pixels == (9, 8, 7)).all()
    assert Image.open(BytesIO(decoded.thumbnail)).size == (320, 80)


def test_a_bad_picture_fails_alone() -> None:
    with DecodePool(TASK, workers=1) as pool:
        futures = [pool.submit(data) for data in (png((1, 1, 1)), b"text", png((2, 2, 2)))]
        assert pool.result(futures[0]).pixels[0, 0, 0] == 1
        with pytest.raises(UnsupportedImageError):
            pool.result(futures[1])
        assert pool.result(futures[2]).pixels[0, 0, 0] == 2


@pytest.mark.parametrize(
    ("data", "said"), [(b"hang", "longer than 2 seconds"), (b"die", "crashed")]
)
def test_a_decoder_that_hangs_or_dies_harms_only_its_picture(data: bytes, said: str) -> None:
    task = TreacherousTask(TASK.preprocess)
    with DecodePool(task, workers=1, timeout=2.0) as pool:
        futures = [pool.submit(item) for item in (png((1, 1, 1)), data, png((2, 2, 2)))]
        assert pool.result(futures[0]).pixels[0, 0, 0] == 1
        with pytest.raises(BrokenImageError, match=said):
            pool.result(futures[1])
        assert pool.result(futures[2]).pixels[0, 0, 0] == 2


def test_without_thumbnails_none_are_made() -> None:
    task = DecodeTask(TASK.preprocess, thumbnails=False, limits=ImageLimits())
    assert task(png((1, 2, 3))).thumbnail == b""
