"""Embedding pipeline: decodes, embeds and records batches of images, all three at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from embeddings import Encoder, FloatArray, ImageError, PixelArray
from indexer.build.ledger import EmbeddedImage, Ledger, to_stored
from indexer.build.reporting import Counts, Stage, StageClock
from indexer.image_loading import BatchInDecoder, DecodedBatch, ImageDecoder, ImageDetails

__all__ = ["EmbeddingPipeline", "batch_size_for"]

# Images given at once to an encoder that has no preference.
_BATCH_SIZE = 64
# Bytes of image files after which a batch is full. Files wait in memory until they are decoded.
_BATCH_BYTES = 2**26


def batch_size_for(encoder: Encoder, wanted: int | None) -> int:
    """Return the wanted number of images of a batch, or else the encoder's preferred one."""
    return wanted or int(getattr(encoder, "preferred_batch_size", _BATCH_SIZE))


@dataclass(frozen=True)
class _Decoding:
    """A batch that is being decoded, and the SHA-256 of its images."""

    keys: list[bytes]
    batch: BatchInDecoder


@dataclass(frozen=True)
class _Encoding:
    """A batch that is encoded or waits for it, and the SHA-256 of the images in it."""

    keys: list[bytes]
    details: list[ImageDetails]
    decoded: DecodedBatch
    vectors: Future[FloatArray]


class EmbeddingPipeline:
    """Decodes and embeds images, and records each in the ledger as embedded or failed.

    The decoder has its own processes and the encoder a thread here, so that both work while the
    calling thread reads the catalog and writes the ledger. The number of batches under way is
    bounded by the decoder's capacity, and with it the memory.

    Args:
        encoder: Makes the vectors; called from one other thread.
        decoder: Decodes the images.
        ledger: Takes the results, from the calling thread; it is not committed here.
        counts: Counters of embedded and refused images, to add to.
        clock: Told which stages work.
        batch_size: Number of images given to the encoder at once.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: ImageDecoder,
        ledger: Ledger,
        *,
        counts: Counts,
        clock: StageClock,
        batch_size: int,
    ) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._ledger = ledger
        self._counts = counts
        self._clock = clock
        self._batch_size = batch_size
        self._in_flight: set[bytes] = set()
        self._submitted: list[tuple[bytes, bytes]] = []
        self._submitted_bytes = 0
        self._decoding: deque[_Decoding] = deque()
        self._encoding: deque[_Encoding] = deque()
        self._encoder_thread = ThreadPoolExecutor(1, "encode")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread, after the batch that it encodes."""
        self._encoder_thread.shutdown(cancel_futures=True)

    def __contains__(self, sha256: bytes) -> bool:
        """Whether an image is in flight."""
        return sha256 in self._in_flight

    def submit(self, sha256: bytes, data: bytes) -> None:
        """Start on an image; may first wait until earlier ones are embedded."""
        self._in_flight.add(sha256)
        self._submitted.append((sha256, data))
        self._submitted_bytes += len(data)
        if len(self._submitted) == self._batch_size or self._submitted_bytes >= _BATCH_BYTES:
            while len(self._decoding) + len(self._encoding) == self._decoder.capacity:
                self._wait()
            self._decode()

    def advance(self) -> None:
        """Give decoded batches to the encoder and record encoded ones, without waiting."""
        while self._encoding and self._encoding[0].vectors.done():
            self._record(self._encoding.popleft())
        while self._decoding and self._decoding[0].batch.ready.done():
            self._encode(self._decoding.popleft())

    def finish(self) -> Iterator[None]:
        """Embed all images in flight; yields after every batch."""
        if self._submitted:
            while len(self._decoding) + len(self._encoding) == self._decoder.capacity:
                self._wait()
            self._decode()
        while self._decoding or self._encoding:
            self._wait()
            yield

    def _wait(self) -> None:
        """Advance, once a batch is decoded or encoded."""
        steps: list[Future[Any]] = []
        if self._decoding:
            steps.append(self._decoding[0].batch.ready)
        if self._encoding:
            steps.append(self._encoding[0].vectors)
        wait(steps, return_when=FIRST_COMPLETED)
        self.advance()

    def _decode(self) -> None:
        """Give the submitted images to the decoder."""
        keys = [sha256 for sha256, _ in self._submitted]
        self._clock.start_decoding()
        batch = self._decoder.submit([data for _, data in self._submitted])
        batch.ready.add_done_callback(lambda _: self._clock.finish_decoding())
        self._decoding.append(_Decoding(keys, batch))
        self._submitted = []
        self._submitted_bytes = 0
        self.advance()

    def _encode(self, decoding: _Decoding) -> None:
        """Record the images that can't be used, and give the others to the encoder."""
        decoded = decoding.batch.result()
        keys: list[bytes] = []
        details: list[ImageDetails] = []
        for sha256, outcome in zip(decoding.keys, decoded.outcomes, strict=True):
            if isinstance(outcome, ImageError):
                self._fail(sha256, outcome.code, outcome.message)
                self._in_flight.discard(sha256)
            else:
                keys.append(sha256)
                details.append(outcome)
        if not keys:
            self._clock.drop_decoded()
            decoded.release()
            return
        vectors = self._encoder_thread.submit(self._encode_in_thread, decoded.pixels)
        self._encoding.append(_Encoding(keys, details, decoded, vectors))

    def _encode_in_thread(self, pixels: PixelArray) -> FloatArray:
        with self._clock.encode():
            return self._encoder.encode_images(pixels)

    def _record(self, encoding: _Encoding) -> None:
        vectors = to_stored(encoding.vectors.result())
        encoding.decoded.release()
        embedded = []
        usable = np.isfinite(vectors).all(axis=1)
        for row, (sha256, details) in enumerate(zip(encoding.keys, encoding.details, strict=True)):
            if usable[row]:
                embedded.append(
                    EmbeddedImage(sha256, vectors[row], details.thumbnail, details.colours)
                )
            else:
                message = "the model gave no usable vector; try --precision fp32"
                self._fail(sha256, "not_embedded", message)
        with self._clock.during(Stage.WRITING):
            self._ledger.add_embedded(embedded)
        self._counts.embedded += len(embedded)
        self._in_flight.difference_update(encoding.keys)

    def _fail(self, sha256: bytes, reason: str, message: str) -> None:
        self._ledger.add_failed(sha256, reason, message)
        self._counts.refused += 1
