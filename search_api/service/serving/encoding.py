"""Batched encoding for all requests: for coroutines, and as an `Encoder` for threads."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from embeddings import (
    BrokenImageError,
    Encoder,
    EncoderSpec,
    FloatArray,
    PixelArray,
    Preprocess,
    encode_image_rows,
)
from indexer.retrieval import checkpoint
from search_api.service.errors import DeadlineError
from search_api.service.serving.batch_queue import BatchKind, BatchOptions
from search_api.service.serving.batch_runner import Work
from search_api.service.serving.batching import Batcher, OnBatch
from search_api.service.serving.text_cache import TextCache

__all__ = ["BATCH_SIZES", "EncodeQueue", "QueuedEncoder"]

# On a CPU, `compact` is fastest with 8 images at once (docs/performance.md), and the answers of one
# batch are written while the next is encoded. Texts are small.
BATCH_SIZES = {BatchKind.IMAGES: 8, BatchKind.TEXTS: 16}

# Large models would need minutes for batches of every size.
_WARM_SECONDS = 3.0

_LATE = "The request was not answered in time; try again, or ask for less at once."


class EncodeQueue:
    """All encodes of a process, in batches; recent texts come from a cache.

    Batches that came while others ran go to the encoder's `parallel_encoders`, if it has them: each
    runs on one processor, side by side. With `compact` and 32 clients on two cores, that took 12%
    less processor time a request than dividing each batch, and 20% less than two at once.

    In torch, one batch at a time uses all processors. If `side_by_side` is set and the encoder has
    `per_core_encoders`, waiting batches run side by side instead, each on one processor. Threads of
    one batch meet at every layer, and wait there while the processors have other work. But once
    batches have run side by side, those threads sleep where they used to spin, and a lone image
    takes twice as long (26 ms instead of 13 on two cores). So this suits services that are always
    busy.

    Args:
        encoder: Encodes the batches.
        options: Options of the batcher.
        cache: Vectors of recent texts.
        on_batch: As for `Batcher`.
        side_by_side: Whether waiting batches run side by side.
    """

    def __init__(
        self,
        encoder: Encoder,
        options: BatchOptions,
        cache: TextCache,
        on_batch: OnBatch | None = None,
        *,
        side_by_side: bool = False,
    ) -> None:
        self._cache = cache
        spec = encoder.spec
        self.no_vectors: FloatArray = np.empty((0, spec.dim), np.float32)
        self.no_rows: FloatArray = np.empty((0, spec.dim + spec.features), np.float32)
        self._encoder = encoder
        self._per_core_encoders: Sequence[Encoder] = (
            getattr(encoder, "per_core_encoders", ()) if side_by_side else ()
        )
        self._prepares: bool = hasattr(encoder, "parallel_encoders")
        parallel: Sequence[Encoder] = self._per_core_encoders or getattr(
            encoder, "parallel_encoders", ()
        )
        self.batcher = Batcher(
            _work(encoder),
            options,
            parallel_work=[_work(each) for each in parallel],
            on_batch=on_batch,
        )

    def warm(self) -> None:
        """Encode one image, or in torch batches of every size: the first of each is slow."""
        until = self.batcher.now() + _WARM_SECONDS
        height, width = self._encoder.preprocess.size
        for size in range(1, BATCH_SIZES[BatchKind.IMAGES] + 1 if self._per_core_encoders else 1):
            for each in (self._encoder, *self._per_core_encoders):
                if self.batcher.now() < until:
                    each.encode_images(np.zeros((size, height, width, 3), np.uint8))

    def warm_batches(self) -> None:
        """Encode batches of the sizes that an encoder with `parallel_encoders` prepares for."""
        if not self._prepares:
            return
        image = np.zeros((1, *self._encoder.preprocess.size, 3), np.uint8)
        for power in range(1, BATCH_SIZES[BatchKind.IMAGES].bit_length()):
            self._encoder.encode_images(np.repeat(image, 2**power, axis=0))
        for power in range(1, BATCH_SIZES[BatchKind.TEXTS].bit_length()):
            self._encoder.encode_texts(["ready"] * 2**power)

    async def texts(self, texts: Sequence[str], deadline: float = math.inf) -> FloatArray:
        """Encode texts.

        Args:
            texts: The texts.
            deadline: When the vectors are no longer needed, by `time.monotonic`.

        Returns:
            `[n, dim]`.

        Raises:
            OverloadedError: The queue is full.
        """
        if not texts:
            return self.no_vectors
        rows = {text: row for text in set(texts) if (row := self._cache.get(text)) is not None}
        missing = [text for text in dict.fromkeys(texts) if text not in rows]
        encoded = await _gather(self._submit(BatchKind.TEXTS, missing, deadline))
        for text, row in zip(missing, encoded, strict=True):
            rows[text] = row
            self._cache.put(text, row)
        return np.stack([rows[text] for text in texts])

    async def uncached_texts(self, texts: Sequence[str], deadline: float = math.inf) -> FloatArray:
        """Encode texts as `texts` does, without the cache."""
        return np.stack(await _gather(self._submit(BatchKind.TEXTS, texts, deadline)))

    async def images(self, pixels: Sequence[PixelArray], deadline: float = math.inf) -> FloatArray:
        """Encode preprocessed images; arguments, result and errors as for `texts`."""
        rows = await self.image_rows(pixels, deadline)
        return rows[:, : self._encoder.spec.dim]

    async def image_rows(
        self, pixels: Sequence[PixelArray], deadline: float = math.inf
    ) -> FloatArray:
        """Encode preprocessed images; arguments and errors as for `texts`.

        Returns:
            `[n, dim + features]`, as `embeddings.encode_image_rows` gives them.
        """
        if not pixels:
            return self.no_rows
        return np.stack(await _gather(self._submit(BatchKind.IMAGES, pixels, deadline)))

    def encode_blocking(self, kind: BatchKind, values: Sequence[Any], seconds: float) -> FloatArray:
        """Encode from a thread, which waits up to `seconds`.

        Raises:
            DeadlineError: It took longer.
            OverloadedError: The queue is full.
        """
        futures = self._submit(kind, values, self.batcher.now() + seconds)
        try:
            return np.stack([future.result(seconds) for future in futures])
        except TimeoutError as error:
            raise DeadlineError(_LATE) from error
        finally:
            for future in futures:
                future.cancel()

    def _submit(self, kind: BatchKind, values: Sequence[Any], deadline: float) -> list[Future[Any]]:
        return self.batcher.submit(kind, values, deadline) if values else []


class QueuedEncoder:
    """An `Encoder` whose batches go through a queue; for code that runs on threads.

    Args:
        encoder: Gives the model's specification and preprocessing.
        queue: Encodes.
        seconds: Maximum wait of a call.
    """

    def __init__(self, encoder: Encoder, queue: EncodeQueue, seconds: float) -> None:
        self._encoder = encoder
        self._queue = queue
        self._seconds = seconds

    @property
    def spec(self) -> EncoderSpec:
        """Specification of the encoder."""
        return self._encoder.spec

    @property
    def preprocess(self) -> Preprocess:
        """Preprocessing of the encoder."""
        return self._encoder.preprocess

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Encode images as the encoder does; errors as `EncodeQueue.encode_blocking`."""
        return self.encode_image_rows(pixels)[:, : self.spec.dim]

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Encode images with their features; errors as `EncodeQueue.encode_blocking`."""
        return self._encode(BatchKind.IMAGES, list(pixels), self._queue.no_rows)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts as the encoder does; errors as `EncodeQueue.encode_blocking`."""
        return self._encode(BatchKind.TEXTS, list(texts), self._queue.no_vectors)

    def _encode(self, kind: BatchKind, values: Sequence[Any], none: FloatArray) -> FloatArray:
        # Batch by batch, so that other queries fit between those of a thousand labels.
        size = BATCH_SIZES[kind]
        rows = []
        for start in range(0, len(values), size):
            checkpoint()
            batch = values[start : start + size]
            rows.append(self._queue.encode_blocking(kind, batch, self._seconds))
        return np.concatenate([none, *rows])

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the encoder."""
        return getattr(self._encoder, name)


def _work(encoder: Encoder) -> dict[BatchKind, Work]:
    """Return what an encoder does with batches of each kind."""

    def images(pixels: Sequence[PixelArray]) -> Sequence[Any]:
        rows = encode_image_rows(encoder, np.stack(pixels))
        return [row if np.isfinite(row).all() else _no_vector() for row in rows]

    return {
        BatchKind.IMAGES: images,
        BatchKind.TEXTS: lambda texts: list(encoder.encode_texts(texts)),
    }


def _no_vector() -> BrokenImageError:
    return BrokenImageError(
        "The model finds no vector for the image; save it again, or send another one."
    )


async def _gather(futures: Sequence[Future[Any]]) -> list[Any]:
    """Return the results in order; if one fails, or the caller is cancelled, cancel the others."""
    waiting = [asyncio.wrap_future(future) for future in futures]
    try:
        return [await each for each in waiting]
    finally:
        for each in waiting:
            if each.done() and not each.cancelled():
                each.exception()  # retrieved, or asyncio logs it as never retrieved
            each.cancel()
