"""The embedding pipeline: what runs at once, what is bounded, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from embeddings import FakeEncoder, FloatArray, ImageError, PixelArray, UnsupportedImageError
from indexer.build.embedding import EmbeddingPipeline, batch_size_for
from indexer.build.ledger import Ledger
from indexer.build.reporting import Counts, StageClock
from indexer.colours import COLOURS_SHAPE
from indexer.image_loading import DecodedBatch, ImageDetails


class Batch:
    """A batch that is decoded when the test says so."""

    def __init__(self, decoded: DecodedBatch) -> None:
        self.ready: Future[None] = Future()
        self._decoded = decoded

    def result(self) -> DecodedBatch:
        self.ready.result()
        return self._decoded


class Decoder:
    """Takes each image for its colour: b"abc" is (97, 98, 99), b"" is no image."""

    def __init__(self, capacity: int = 3, *, at_once: bool = True) -> None:
        self.capacity = capacity
        self.batches: list[Batch] = []
        self.used = self.most_used = 0
        self._at_once = at_once

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, images: Sequence[bytes]) -> Batch:
        self.used += 1
        self.most_used = max(self.most_used, self.used)
        usable = [data for data in images if data]
        pixels = np.array([list(data) for data in usable], np.uint8).reshape(-1, 1, 1, 3)
        details = ImageDetails(b"", np.zeros(COLOURS_SHAPE, np.uint8))
        outcomes: list[ImageDetails | ImageError] = [
            details if data else UnsupportedImageError("no image") for data in images
        ]
        batch = Batch(DecodedBatch(np.tile(pixels, (1, 4, 4, 1)), outcomes, self._release))
        self.batches.append(batch)
        if self._at_once:
            batch.ready.set_result(None)
        return batch

    def _release(self) -> None:
        self.used -= 1


class GatedEncoder(FakeEncoder):
    """Encodes a batch once the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.threads: set[int] = set()

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        self.threads.add(threading.get_ident())
        self.began.release()
        assert self.gate.acquire(timeout=60)
        return super().encode_images(pixels)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger", "fake")
    yield opened
    opened.close()


def pipeline(
    ledger: Ledger, decoder: Decoder, encoder: FakeEncoder | None = None, batch_size: int = 2
) -> EmbeddingPipeline:
    return EmbeddingPipeline(
        encoder or FakeEncoder(),
        decoder,
        ledger,
        counts=Counts(),
        clock=StageClock(),
        batch_size=batch_size,
    )


def test_every_image_is_embedded_or_failed(ledger: Ledger) -> None:
    decoder = Decoder()
    images = [b"abc", b"", b"bcd", b"cde", b"", b"", b"def"]
    with pipeline(ledger, decoder) as running:
        for number, data in enumerate(images):
            running.submit(bytes([number]), data)
        for _ in running.finish():
            pass
        assert not any(bytes([number]) in running for number in range(len(images)))
        assert running._counts == Counts(embedded=4, refused=3)
    assert decoder.used == 0
    failed = [row[0] for row in ledger._db.execute("SELECT sha256 FROM failed")]
    assert sorted(failed) == [b"\x01", b"\x04", b"\x05"]
    stored = dict(ledger._db.execute("SELECT sha256, vector FROM embedded"))
    for number in (0, 2, 3, 6):
        colour = np.array(list(images[number]), np.float64)
        vector = np.frombuffer(stored[bytes([number])], np.float16)
        np.testing.assert_allclose(vector, colour / np.linalg.norm(colour), atol=2e-3)


def test_the_caller_goes_on_while_a_batch_is_encoded(ledger: Ledger) -> None:
    encoder = GatedEncoder()
    decoder = Decoder(capacity=3)
    with pipeline(ledger, decoder, encoder) as running:
        for number in range(6):  # as many as the decoder has room for: nothing waits
            running.submit(bytes([number]), b"abc")
        assert encoder.began.acquire(timeout=60)
        assert running._counts.embedded == 0
        assert encoder.threads == {running._encoder_thread._thread.ident}
        for _ in range(3):
            encoder.gate.release()
        for _ in running.finish():
            pass
        assert running._counts.embedded == 6


def test_no_more_batches_are_in_use_than_the_decoder_has_room_for(ledger: Ledger) -> None:
    decoder = Decoder(capacity=2)
    with pipeline(ledger, decoder) as running:
        for number in range(100):
            running.submit(bytes([number]), b"abc")
        for _ in running.finish():
            pass
        assert running._counts.embedded == 100
    assert decoder.most_used == 2


def test_a_batch_is_encoded_before_the_next_one_is_decoded(ledger: Ledger) -> None:
    decoder = Decoder(at_once=False)
    with pipeline(ledger, decoder) as running:
        for number in range(4):
            running.submit(bytes([number]), b"abc")
        decoder.batches[0].ready.set_result(None)
        running.advance()
        running._encoding[0].vectors.result()
        running.advance()
        assert running._counts.embedded == 2
        decoder.batches[1].ready.set_result(None)
        for _ in running.finish():
            pass
        assert running._counts.embedded == 4


def test_large_files_fill_a_batch_sooner(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.build.embedding._BATCH_BYTES", 6)
    decoder = Decoder()
    with pipeline(ledger, decoder, batch_size=100) as running:
        for number in range(7):
            running.submit(bytes([number]), b"abc")
        for _ in running.finish():
            pass
    assert [len(batch.result().outcomes) for batch in decoder.batches] == [2, 2, 2, 1]


def test_an_error_of_the_encoder_ends_the_build(ledger: Ledger) -> None:
    class Failing(FakeEncoder):
        def encode_images(self, pixels: PixelArray) -> FloatArray:
            raise RuntimeError(f"no memory for {len(pixels)}")

    with pipeline(ledger, Decoder(), Failing()) as running:
        running.submit(b"1", b"abc")
        running.submit(b"2", b"abc")
        with pytest.raises(RuntimeError, match="no memory for 2"):
            list(running.finish())
    assert not running._encoder_thread._thread.is_alive()


def test_an_interrupted_build_waits_only_for_the_batch_that_is_encoded(ledger: Ledger) -> None:
    encoder = GatedEncoder()
    with pipeline(ledger, Decoder(), encoder) as running:  # left early, as by Ctrl-C
        for number in range(6):
            running.submit(bytes([number]), b"abc")
        assert encoder.began.acquire(timeout=60)
        threading.Timer(0.2, encoder.gate.release).start()  # after the interrupt
    assert not running._encoder_thread._thread.is_alive()
    assert not encoder.began.acquire(blocking=False)


def test_an_interrupted_build_leaves_an_encoder_that_hangs(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.build.embedding._PATIENCE", 0.01)
    encoder = GatedEncoder()
    with pipeline(ledger, Decoder(), encoder) as running:  # left early, as by Ctrl-C
        running.submit(b"1", b"abc")
        running.submit(b"2", b"abc")
        assert encoder.began.acquire(timeout=60)
    assert running._encoder_thread._thread.is_alive()
    assert running._encoder_thread._thread.daemon
    encoder.gate.release()


def test_the_encoder_says_how_many_images_it_likes() -> None:
    class Preferring(FakeEncoder):
        preferred_batch_size = 16

    assert batch_size_for(FakeEncoder(), None) == 64
    assert batch_size_for(Preferring(), None) == 16
    assert batch_size_for(Preferring(), 5) == 5
