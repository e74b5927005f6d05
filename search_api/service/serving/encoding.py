"""Encodes of all requests through one queue: for coroutines, and as an `Encoder` for threads."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from embeddings import BrokenImageError, Encoder, EncoderSpec, FloatArray, PixelArray, Preprocess
from search_api.service.errors import DeadlineError
from search_api.service.serving.batching import Batcher, BatchOptions, Lane, OnBatch, Work

__all__ = ["BATCHES", "EncodeQueue", "QueuedEncoder", "TextCache"]

# `compact` on a CPU is quickest with 8 pictures at once (docs/performance.md), and the answers of a
# first batch are written while a second is encoded; texts are small.
BATCHES = {Lane.PICTURES: 8, Lane.TEXTS: 16}

# Large models would take minutes for batches of every size.
_WARM_SECONDS = 3.0

_LATE = "The request was not answered in time; try again, or ask for less at once."


class TextCache:
    """The vectors of the texts asked for last, by their words; for several threads.

    Args:
        size: How many are kept; 0 keeps none.
        on_look: Told of every look whether it found something.
    """

    def __init__(self, size: int, on_look: Callable[[bool], None] = lambda found: None) -> None:
        self._size = size
        self._on_look = on_look
        self._rows: OrderedDict[str, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str) -> FloatArray | None:
        """The vector of a text, if it is kept."""
        with self._lock:
            row = self._rows.get(text)
            if row is not None:
                self._rows.move_to_end(text)
        self._on_look(row is not None)
        return row

    def put(self, text: str, row: FloatArray) -> None:
        """Keep a vector, and forget the one that was not asked for longest."""
        with self._lock:
            self._rows[text] = row
            self._rows.move_to_end(text)
            while len(self._rows) > self._size:
                self._rows.popitem(last=False)


class EncodeQueue:
    """All encodes of a process, batched; texts asked for lately cost nothing.

    One batch at a time has all processors. Where an encoder has `per_core_encoders`, encoders over
    the same model that each compute on one processor, several batches may go side by side instead:
    a team of processors meets at every layer, and where they have other work as well, it waits
    there. Once they did, the team sleeps where it used to spin, and a lone picture takes twice as
    long (26 ms instead of 13 on two cores); so this is for services that are always busy.

    Args:
        encoder: What the batches are given to.
        options: Of the batcher.
        cache: Vectors of texts.
        on_batch: As for the batcher.
        side_by_side: Whether the crew is used.
    """

    def __init__(
        self,
        encoder: Encoder,
        options: BatchOptions,
        cache: TextCache,
        on_batch: OnBatch = lambda lane, size, seconds: None,
        *,
        side_by_side: bool = False,
    ) -> None:
        self._cache = cache
        self.nothing: FloatArray = np.empty((0, encoder.spec.dim), np.float32)
        self._encoder = encoder
        self._crew: Sequence[Encoder] = (
            getattr(encoder, "per_core_encoders", ()) if side_by_side else ()
        )
        crew = [_work(each) for each in self._crew]
        self.batcher = Batcher(_work(encoder), options, crew=crew, on_batch=on_batch)

    def warm(self) -> None:
        """Embed batches of every size, since the first of each is slow; some seconds at most."""
        until = self.batcher.now() + _WARM_SECONDS
        height, width = self._encoder.preprocess.size
        for size in range(1, BATCHES[Lane.PICTURES] + 1 if self._crew else 1):
            for each in (self._encoder, *self._crew):
                if self.batcher.now() < until:
                    each.encode_images(np.zeros((size, height, width, 3), np.uint8))

    async def texts(self, texts: Sequence[str], deadline: float = math.inf) -> FloatArray:
        """Embed texts, `[n, dim]`, by a `time.monotonic` deadline.

        Raises:
            OverloadedError: The queue is full.
        """
        if not texts:
            return self.nothing
        known = {text: row for text in set(texts) if (row := self._cache.get(text)) is not None}
        asked = [text for text in dict.fromkeys(texts) if text not in known]
        rows = await _gathered(self._submit(Lane.TEXTS, asked, deadline))
        for text, row in zip(asked, rows, strict=True):
            known[text] = row
            self._cache.put(text, row)
        return np.stack([known[text] for text in texts])

    async def fresh(self, texts: Sequence[str], deadline: float = math.inf) -> FloatArray:
        """As `texts`, with no look into the cache."""
        return np.stack(await _gathered(self._submit(Lane.TEXTS, texts, deadline)))

    async def pictures(
        self, pixels: Sequence[PixelArray], deadline: float = math.inf
    ) -> FloatArray:
        """Embed preprocessed pictures, `[n, dim]`; as `texts`."""
        if not pixels:
            return self.nothing
        return np.stack(await _gathered(self._submit(Lane.PICTURES, pixels, deadline)))

    def wait_for(self, lane: Lane, values: Sequence[Any], seconds: float) -> FloatArray:
        """Embed from a thread, which waits up to so many seconds.

        Raises:
            DeadlineError: It took longer.
            OverloadedError: The queue is full.
        """
        futures = self._submit(lane, values, self.batcher.now() + seconds)
        try:
            return np.stack([future.result(seconds) for future in futures])
        except TimeoutError as error:
            raise DeadlineError(_LATE) from error
        finally:
            for future in futures:
                future.cancel()

    def _submit(self, lane: Lane, values: Sequence[Any], deadline: float) -> list[Future[Any]]:
        return self.batcher.submit(lane, values, deadline) if values else []


class QueuedEncoder:
    """An `Encoder` whose every batch goes through a queue; for code that runs on threads.

    Args:
        encoder: Its facts and its preprocessing.
        queue: Where the work goes.
        seconds: How long a call waits.
    """

    def __init__(self, encoder: Encoder, queue: EncodeQueue, seconds: float) -> None:
        self._encoder = encoder
        self._queue = queue
        self._seconds = seconds

    @property
    def spec(self) -> EncoderSpec:
        """The encoder's."""
        return self._encoder.spec

    @property
    def preprocess(self) -> Preprocess:
        """The encoder's."""
        return self._encoder.preprocess

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """As the encoder's; errors as `EncodeQueue.wait_for`."""
        return self._encode(Lane.PICTURES, list(pixels))

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """As the encoder's; errors as `EncodeQueue.wait_for`."""
        return self._encode(Lane.TEXTS, list(texts))

    def _encode(self, lane: Lane, values: Sequence[Any]) -> FloatArray:
        # Batch by batch, so that a thousand labels leave room for others' queries between them.
        size = BATCHES[lane]
        rows = [
            self._queue.wait_for(lane, values[start : start + size], self._seconds)
            for start in range(0, len(values), size)
        ]
        return np.concatenate([np.empty((0, self.spec.dim), np.float32), *rows])

    def __getattr__(self, name: str) -> Any:
        """What an encoder can do beside embedding, it does without the queue."""
        return getattr(self._encoder, name)


def _work(encoder: Encoder) -> dict[Lane, Work]:
    """What an encoder does with batches."""
    bad = "The picture has no vector; save it anew, or send another one."

    def pictures(pixels: Sequence[PixelArray]) -> Sequence[Any]:
        rows = encoder.encode_images(np.stack(pixels))
        return [row if np.isfinite(row).all() else BrokenImageError(bad) for row in rows]

    return {Lane.PICTURES: pictures, Lane.TEXTS: lambda texts: list(encoder.encode_texts(texts))}


async def _gathered(futures: Sequence[Future[Any]]) -> list[Any]:
    """The results in order; when one fails, or the caller is gone, the others are given up."""
    waiting = [asyncio.wrap_future(future) for future in futures]
    try:
        return [await each for each in waiting]
    finally:
        for each in waiting:
            if each.done() and not each.cancelled():
                each.exception()  # looked at, or asyncio complains about it later
            each.cancel()
