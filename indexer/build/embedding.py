"""The embedding pipeline: pictures' bytes in, decoded side by side, embedded in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from embeddings import Encoder, ImageError
from indexer.build.ledger import EmbeddedImage, Ledger, to_stored
from indexer.image_loading import Decoded, ImageDecoder

__all__ = ["EmbeddingPipeline"]


class EmbeddingPipeline:
    """Decodes and embeds pictures, and records each in the ledger as embedded or failed.

    A few batches of pictures are under way at any time, so that the encoder never waits for the
    decoders and memory stays bounded.

    Args:
        encoder: Makes the vectors.
        decoder: Decodes the pictures.
        ledger: Where results go; it is not committed here.
        batch_size: Pictures given to the encoder at once.
    """

    def __init__(
        self, encoder: Encoder, decoder: ImageDecoder, ledger: Ledger, batch_size: int
    ) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._ledger = ledger
        self._batch_size = batch_size
        self._pending: deque[tuple[bytes, Callable[[], Decoded]]] = deque()
        self._under_way: set[bytes] = set()
        self._decoded: list[tuple[bytes, Decoded]] = []
        self.embedded = 0
        self.failed = 0

    def __contains__(self, sha256: bytes) -> bool:
        """Whether a picture is under way."""
        return sha256 in self._under_way

    def submit(self, sha256: bytes, data: bytes) -> None:
        """Start on a picture; may first wait for, and embed, earlier ones."""
        while len(self._pending) >= 2 * self._batch_size:
            self._take_oldest()
        self._under_way.add(sha256)
        self._pending.append((sha256, self._decoder.submit(data)))

    def finish(self) -> Iterator[None]:
        """Embed all that is under way; yields after every batch."""
        while self._pending:
            before = self.embedded
            self._take_oldest()
            if self.embedded != before:
                yield
        self._embed()
        yield

    def _take_oldest(self) -> None:
        sha256, result = self._pending.popleft()
        try:
            decoded = result()
        except ImageError as error:
            self._ledger.add_failed(sha256, error.code, error.message)
            self._under_way.discard(sha256)
            self.failed += 1
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
                self._ledger.add_failed(
                    sha256, "not_embedded", "the model gave no usable vector; try --precision fp32"
                )
                self.failed += 1
        self._ledger.add_embedded(embedded)
        self.embedded += len(embedded)
        self._under_way.difference_update(sha256 for sha256, _ in self._decoded)
        self._decoded.clear()
