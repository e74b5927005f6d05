"""Pictures in worker processes: the same as in this one, and decoders that misbehave."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from service_helpers import RED, picture

from embeddings.errors import BrokenImageError, ImageTooLargeError, UnsupportedImageError
from embeddings.images import ImageLimits, open_image
from embeddings.preprocess import Preprocess, ResizeMode
from search_api.serving.decoding import (
    GivenPicture,
    PictureTask,
    PictureWorkers,
    QueryPicture,
)

TASK = PictureTask(Preprocess((8, 8), ResizeMode.SQUASH), ImageLimits(max_pixels=4_000_000))


class HostileTask(PictureTask):
    """Hangs, ends its process or dies of a signal when told to by the bytes."""

    def __call__(self, given: GivenPicture) -> QueryPicture:
        match given.data:
            case b"hang":
                time.sleep(3600)
            case b"exit":
                os._exit(3)
            case b"die":
                os.kill(os.getpid(), signal.SIGSEGV)
        return super().__call__(given)


def opened(workers: PictureWorkers, *given: GivenPicture) -> list[Any]:
    async def run() -> list[Any]:
        return await asyncio.gather(*map(workers.open, given), return_exceptions=True)

    return asyncio.run(run())


def test_one_that_hangs_or_dies_fails_alone() -> None:
    workers = PictureWorkers(HostileTask(TASK.preprocess, TASK.limits), 2, seconds=1.0)
    try:
        workers.warm(GivenPicture(picture(RED)))
        given = [b"hang", picture(RED), b"exit", picture(RED), b"die", picture(RED)]
        for _ in range(2):
            for data, got in zip(given, opened(workers, *map(GivenPicture, given)), strict=True):
                if len(data) < 10:
                    assert isinstance(got, BrokenImageError)
                else:
                    assert (got.pixels == (255, 0, 0)).all()
    finally:
        workers.close()


@pytest.fixture(scope="module")
def workers() -> Any:
    started = PictureWorkers(TASK, 1, seconds=30.0)
    yield started
    started.close()


def test_the_pixels_are_those_of_the_whole_picture(workers: PictureWorkers) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(noise).resize((1600, 1200)).save(out, "PNG")
    (got,) = opened(workers, GivenPicture(out.getvalue()))
    whole = open_image(out.getvalue(), limits=TASK.limits)
    np.testing.assert_array_equal(got.pixels, TASK.preprocess(whole))
    assert got.image.size == (1024, 768)


def test_a_region_is_cut_out_first(workers: PictureWorkers) -> None:
    image = Image.new("RGB", (100, 50), "blue")
    image.paste("red", (50, 0, 100, 50))
    out = BytesIO()
    image.save(out, "PNG")
    left, right = opened(
        workers,
        GivenPicture(out.getvalue(), (0.0, 0.0, 0.5, 1.0)),
        GivenPicture(out.getvalue(), (0.5, 0.2, 1.0, 0.8)),
    )
    assert (left.pixels == (0, 0, 255)).all()
    assert left.image.size == (50, 50)
    assert (right.pixels == (255, 0, 0)).all()
    assert right.image.size == (50, 30)


def test_errors_come_back_as_they_are(workers: PictureWorkers) -> None:
    big = BytesIO()
    Image.new("1", (3000, 3000)).save(big, "PNG")
    cut = picture(RED, size=(500, 500))[:-30]
    got = opened(workers, *map(GivenPicture, (b"no picture", cut, big.getvalue())))
    assert list(map(type, got)) == [UnsupportedImageError, BrokenImageError, ImageTooLargeError]
