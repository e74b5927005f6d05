"""Batched encoding: cached texts, repeated texts, images without a vector, and threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from embeddings import BrokenImageError, FakeEncoder, FloatArray, PixelArray, ZeroShotClassifier
from search_api.service.errors import DeadlineError
from search_api.service.serving.batch_queue import BatchOptions
from search_api.service.serving.encoding import BATCH_SIZES, EncodeQueue, QueuedEncoder
from search_api.service.serving.text_cache import TextCache
from tests.support.featured import FeaturedEncoder
from tests.support.processes import PATIENCE


class Counting(FakeEncoder):
    """Keeps the batches of texts; an image that is black all over has no vector."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.wait: Callable[[], object] = lambda: None

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.batches.append(list(texts))
        self.wait()
        return super().encode_texts(texts)

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        rows = super().encode_images(pixels)
        rows[~pixels.any(axis=(1, 2, 3))] = np.nan
        return rows


@pytest.fixture
def encoder() -> Counting:
    return Counting()


@pytest.fixture
def queue(encoder: Counting) -> Iterator[EncodeQueue]:
    made = EncodeQueue(encoder, BatchOptions(BATCH_SIZES), TextCache(2))
    yield made
    made.batcher.close()


def squares(*colours: tuple[int, int, int]) -> list[PixelArray]:
    return [np.full((8, 8, 3), colour, np.uint8) for colour in colours]


def test_texts_come_back_in_order_and_are_embedded_once(
    encoder: Counting, queue: EncodeQueue
) -> None:
    rows = asyncio.run(queue.texts(["red", "green", "red"]))
    assert rows.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert asyncio.run(queue.texts(["green"])).tolist() == [[0, 1, 0]]
    assert encoder.batches == [["red", "green"]]


def test_the_least_recently_used_text_is_evicted(encoder: Counting, queue: EncodeQueue) -> None:
    for text in ("red", "green", "red", "blue", "red", "green"):
        asyncio.run(queue.texts([text]))
    assert encoder.batches == [["red"], ["green"], ["blue"], ["green"]]


def test_a_probe_is_never_answered_from_the_cache(encoder: Counting, queue: EncodeQueue) -> None:
    for _ in range(2):
        asyncio.run(queue.uncached_texts(["red"]))
    assert encoder.batches == [["red"], ["red"]]


def test_an_image_without_a_vector_fails_alone(queue: EncodeQueue) -> None:
    async def run() -> list[object]:
        asked = [queue.images([pixels]) for pixels in squares((9, 0, 0), (0, 0, 0), (0, 9, 0))]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, broken, last = asyncio.run(run())
    assert np.asarray(first).tolist() == [[1, 0, 0]]
    assert isinstance(broken, BrokenImageError)
    assert np.asarray(last).tolist() == [[0, 1, 0]]


def test_as_an_encoder_for_threads(encoder: Counting, queue: EncodeQueue) -> None:
    """A classifier's hundreds of texts go batch by batch; what comes out is the encoder's own."""
    labels = [f"{colour} {number}" for number in range(20) for colour in ("red", "blue")]
    ours = ZeroShotClassifier(QueuedEncoder(encoder, queue, 60.0), labels)
    assert max(map(len, encoder.batches)) <= 16
    picture = np.array([[0.6, 0.0, 0.8]], np.float32)
    theirs = ZeroShotClassifier(FakeEncoder(), labels)
    np.testing.assert_array_equal(ours.probabilities(picture), theirs.probabilities(picture))
    through = QueuedEncoder(encoder, queue, 60.0)
    pixels = np.stack(squares((9, 0, 0), (0, 9, 0)))
    np.testing.assert_array_equal(through.encode_images(pixels), encoder.encode_images(pixels))
    assert through.encode_texts([]).shape == (0, 3)


def test_features_come_with_the_vectors() -> None:
    encoder = FeaturedEncoder()
    queue = EncodeQueue(encoder, BatchOptions(BATCH_SIZES), TextCache(2))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    wanted = encoder.encode_image_rows(pixels)
    try:
        through = QueuedEncoder(encoder, queue, 60.0)
        np.testing.assert_array_equal(through.encode_image_rows(pixels), wanted)
        np.testing.assert_array_equal(through.encode_images(pixels), wanted[:, :3])
        assert through.encode_image_rows(pixels[:0]).shape == (0, 7)
        np.testing.assert_array_equal(asyncio.run(queue.image_rows(list(pixels[:3]))), wanted[:3])
        vectors = asyncio.run(queue.images(list(pixels[:3])))
        np.testing.assert_array_equal(vectors, wanted[:3, :3])
        assert asyncio.run(queue.image_rows([])).shape == (0, 7)
    finally:
        queue.batcher.close()


def test_a_thread_does_not_wait_for_ever(encoder: Counting, queue: EncodeQueue) -> None:
    held = threading.Event()
    encoder.wait = held.wait
    with pytest.raises(DeadlineError):
        QueuedEncoder(encoder, queue, 0.05).encode_texts(["red"])
    held.set()


@pytest.mark.parametrize("side_by_side", [False, True])
def test_batches_run_side_by_side_only_if_that_is_set(side_by_side: bool) -> None:
    class PerCore(Counting):
        asked = False

        @property
        def per_core_encoders(self) -> tuple[Counting, ...]:
            self.asked = True
            return (Counting(), Counting())

    encoder = PerCore()
    made = EncodeQueue(encoder, BatchOptions(BATCH_SIZES), TextCache(2), side_by_side=side_by_side)
    made.batcher.close()
    assert encoder.asked is side_by_side


class Parallel(Counting):
    """An encoder with two others for batches that run side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.parallel_encoders = (Counting(), Counting())


def test_parallel_encoders_get_batches_at_the_same_time() -> None:
    encoder = Parallel()
    busy, all_started = threading.Event(), threading.Barrier(2, timeout=PATIENCE)
    encoder.wait = lambda: (busy.set(), all_started.wait())
    for each in encoder.parallel_encoders:
        each.wait = all_started.wait
    made = EncodeQueue(encoder, BatchOptions(dict.fromkeys(BATCH_SIZES, 1)), TextCache(0))

    async def ask() -> None:
        first = asyncio.create_task(made.texts(["red"]))
        await asyncio.to_thread(busy.wait, PATIENCE)
        await asyncio.gather(first, made.texts(["green"]))

    asyncio.run(ask())
    made.batcher.close()
    assert encoder.batches == [["red"]]
    assert sorted(each.batches for each in encoder.parallel_encoders) == [[], [["green"]]]


def test_batches_of_every_size_are_prepared() -> None:
    encoder = Parallel()
    made = EncodeQueue(encoder, BatchOptions(BATCH_SIZES), TextCache(0))
    made.warm_batches()
    made.batcher.close()
    assert [len(batch) for batch in encoder.batches] == [2, 4, 8, 16]


def test_a_cache_of_size_zero_keeps_nothing() -> None:
    lookups: list[str] = []
    cache = TextCache(0, lookups.append)
    cache.put("red", np.zeros(3, np.float32))
    assert cache.get("red") is None
    assert lookups == ["miss"]
