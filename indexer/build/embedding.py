"""Embedding pipeline: decodes, embeds and records batches of images, all three at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Self

import numpy as np

from embeddings import Encoder, FloatArray, ImageError, PixelArray, encode_image_rows
from indexer.build.ledger import EmbeddedImage, Ledger, to_stored
from indexer.build.reporting import Counts, Stage, StageClock
from indexer.image_loading import BatchInDecoder, DecodedBatch, ImageDecoder, ImageDetails

__all__ = ["EmbeddingPipeline", "batch_size_for"]

# Images given at once to an encoder that has no preference.
_BATCH_SIZE = 64
# Bytes of image files after which a batch is full. Files wait in memory until they are decoded.
_BATCH_BYTES = 2**26
# Seconds that the end of a failed or interrupted build waits for the batch in the encoder.
_PATIENCE = 5.0


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


class _EncoderThread:
    """A daemon thread that encodes one batch after another.

    Not a `ThreadPoolExecutor`: the interpreter waits for its threads at exit, so a model that hangs
    would keep an interrupted program for ever (docs/decisions/0021-inference-thread.md).

    Args:
        encode: Embeds `[n, height, width, 3]` pixels.
    """

    def __init__(self, encode: Callable[[PixelArray], FloatArray]) -> None:
        self._encode = encode
        self._tasks: SimpleQueue[tuple[PixelArray, Future[FloatArray]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="encode", daemon=True)
        self._thread.start()

    def submit(self, pixels: PixelArray) -> Future[FloatArray]:
        """Queue a batch."""
        future: Future[FloatArray] = Future()
        self._tasks.put((pixels, future))
        return future

    def stop(self) -> None:
        """End the thread; waits a little for its batch, and skips cancelled ones."""
        self._tasks.put(None)
        self._thread.join(_PATIENCE)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            pixels, future = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._encode(pixels))
            except BaseException as error:  # noqa: BLE001 - `Future.result` raises it
                future.set_exception(error)
            del task, pixels, future  # or an idle thread would keep its last batch in memory


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
        features: Number of features to record beside each vector; 0 for none.
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
        features: int = 0,
    ) -> None:
        self._features = features
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
        self._encoder_thread = _EncoderThread(self._encode_in_thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the encoder's thread, without waiting for batches that it has not begun."""
        for encoding in self._encoding:
            encoding.vectors.cancel()
        self._encoder_thread.stop()

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
        vectors = self._encoder_thread.submit(decoded.pixels)
        self._encoding.append(_Encoding(keys, details, decoded, vectors))

    def _encode_in_thread(self, pixels: PixelArray) -> FloatArray:
        with self._clock.encode():
            if self._features:
                return encode_image_rows(self._encoder, pixels)
            return self._encoder.encode_images(pixels)

    def _record(self, encoding: _Encoding) -> None:
        rows, dim = encoding.vectors.result(), self._encoder.spec.dim
        vectors, features = to_stored(rows[:, :dim]), to_stored(rows[:, dim:])
        encoding.decoded.release()
        embedded = []
        usable = np.isfinite(vectors).all(axis=1)
        for row, (sha256, details) in enumerate(zip(encoding.keys, encoding.details, strict=True)):
            if usable[row]:
                embedded.append(
                    EmbeddedImage(
                        sha256,
                        vectors[row],
                        details.thumbnail,
                        details.colours,
                        details.findings,
                        features[row] if self._features else None,
                    )
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
