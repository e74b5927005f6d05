"""A compiled tower: pixels or tokens in, vectors out, several chunks of a batch side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import FloatArray

__all__ = ["Infer", "InferAll", "Tower"]

Infer = Callable[[NDArray[Any]], FloatArray]
"""Runs one chunk, `[n, …]`, and returns `[n, dim]`; callable from several threads at once."""

InferAll = Callable[[NDArray[Any]], tuple[FloatArray, ...]]
"""Runs one chunk, and returns all outputs in the order of the file; callable like `Infer`."""


class Tower:
    """Runs a batch in chunks.

    Chunks have 1, 2, 4, 8, … rows, since a runtime prepares itself anew for every other shape.

    Args:
        infer: Runs one chunk.
        streams: Number of chunks that the runtime computes side by side.
        chunk: Most rows of a chunk; a power of two.
    """

    def __init__(self, infer: Infer, streams: int, chunk: int) -> None:
        self._infer = infer
        self.streams = streams
        self.chunk = chunk
        self._threads = ThreadPoolExecutor(streams, "encode") if streams > 1 else None

    def __call__(self, batch: NDArray[Any], *, divided: bool = True) -> FloatArray:
        """Run a batch.

        Args:
            batch: `[n, …]`, at least one row.
            divided: Whether the streams divide it. Otherwise one stream runs it, in larger chunks:
                that is for callers that run several batches at once.

        Returns:
            `[n, dim]` float32.
        """
        chunks = list(self._chunks(batch, self.streams if divided else 1))
        if self._threads is None or len(chunks) == 1 or not divided:
            return np.concatenate([self._infer(chunk) for chunk in chunks])
        return np.concatenate(list(self._threads.map(self._infer, chunks)))

    def _chunks(self, batch: NDArray[Any], streams: int) -> Iterator[NDArray[Any]]:
        start, size = 0, self.chunk
        # With fewer rows than the streams could take, each stream gets its share.
        while size > 1 and size * streams > len(batch):
            size //= 2
        while start < len(batch):
            while size > len(batch) - start:
                size //= 2
            yield batch[start : start + size]
            start += size
