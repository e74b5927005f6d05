"""Embedding pipeline: decodes images side by side and embeds them in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from embeddings import Encoder, ImageError
from indexer.build.ledger import EmbeddedImage, Ledger, to_stored
from indexer.build.options import Counts
from indexer.image_loading import Decoded, ImageDecoder

__all__ = ["EmbeddingPipeline"]

# Batches of images that are decoded or wait for it, so that the encoder need not wait.
_BATCHES_AHEAD = 2


class EmbeddingPipeline:
    """Decodes and embeds images, and records each in the ledger as embedded or failed.

    Only a few batches are in flight at any time, which bounds the memory.

    Args:
        encoder: Makes the vectors.
        decoder: Decodes the images.
        ledger: Takes the results; it is not committed here.
        counts: Counters of embedded and refused images, to add to.
        batch_size: Number of images given to the encoder at once.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: ImageDecoder,
        ledger: Ledger,
        counts: Counts,
        batch_size: int,
    ) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._ledger = ledger
        self._counts = counts
        self._batch_size = batch_size
        self._pending: deque[tuple[bytes, Callable[[], Decoded]]] = deque()
        self._in_flight: set[bytes] = set()
        self._decoded: list[tuple[bytes, Decoded]] = []

    def __contains__(self, sha256: bytes) -> bool:
        """Whether an image is in flight."""
        return sha256 in self._in_flight

    def submit(self, sha256: bytes, data: bytes) -> None:
        """Start on an image; may first wait for earlier ones and embed them."""
        while len(self._pending) >= _BATCHES_AHEAD * self._batch_size:
            self._finish_oldest()
        self._in_flight.add(sha256)
        self._pending.append((sha256, self._decoder.submit(data)))

    def finish(self) -> Iterator[None]:
        """Embed all images in flight; yields after every batch."""
        while self._pending:
            before = self._counts.embedded
            self._finish_oldest()
            if self._counts.embedded != before:
                yield
        self._embed()
        yield

    def _finish_oldest(self) -> None:
        sha256, result = self._pending.popleft()
        try:
            decoded = result()
        except ImageError as error:
            self._fail(sha256, error.code, error.message)
            self._in_flight.discard(sha256)
            return
        self._decoded.append((sha256, decoded))
        if len(self._decoded) == self._batch_size:
            self._embed()

    def _embed(self) -> None:
        if not self._decoded:
            return
        pixels = np.stack([decoded.pixels for _, decoded in self._decoded])
        vectors = to_stored(self._encoder.encode_images(pixels))
        embedded = []
        for (sha256, decoded), vector in zip(self._decoded, vectors, strict=True):
            if np.isfinite(vector).all():
                embedded.append(EmbeddedImage(sha256, vector, decoded.thumbnail, decoded.colours))
            else:
                message = "the model gave no usable vector; try --precision fp32"
                self._fail(sha256, "not_embedded", message)
        self._ledger.add_embedded(embedded)
        self._counts.embedded += len(embedded)
        self._in_flight.difference_update(sha256 for sha256, _ in self._decoded)
        self._decoded.clear()

    def _fail(self, sha256: bytes, reason: str, message: str) -> None:
        self._ledger.add_failed(sha256, reason, message)
        self._counts.refused += 1
