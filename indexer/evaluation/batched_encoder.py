"""An encoder with a cache of one batch: embed many queries at once, then look them up singly."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from embeddings import (
    Encoder,
    EncoderSpec,
    FloatArray,
    PixelArray,
    Preprocess,
    encode_image_rows,
)

__all__ = ["CachedBatchEncoder"]


class CachedBatchEncoder:
    """Looks up vectors of the last batch, and embeds everything else.

    A model embeds a batch several times faster than its items one by one, but an engine asks for
    the vectors of one query at a time.

    Args:
        encoder: The encoder that embeds.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._texts: dict[str, FloatArray] = {}
        self._pixels: dict[bytes, FloatArray] = {}

    @property
    def spec(self) -> EncoderSpec:
        """The wrapped encoder's."""
        return self._encoder.spec

    @property
    def preprocess(self) -> Preprocess:
        """The wrapped encoder's."""
        return self._encoder.preprocess

    def load_batch(self, texts: Sequence[str], images: Sequence[Image.Image]) -> list[Image.Image]:
        """Embed texts and RGB images; their vectors replace the last batch's.

        Returns:
            The images at the model's input size, which `preprocess` leaves unchanged.
        """
        distinct = list(dict.fromkeys(texts))
        self._texts = dict(zip(distinct, self._encoder.encode_texts(distinct), strict=True))
        if not images:
            self._pixels = {}
            return []
        pixels = np.stack([self.preprocess(image) for image in images])
        rows = encode_image_rows(self._encoder, pixels)
        self._pixels = dict(zip(map(_key, pixels), rows, strict=True))
        return [Image.fromarray(array) for array in pixels]

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `Encoder.encode_texts`."""
        if not all(text in self._texts for text in texts):
            return self._encoder.encode_texts(texts)
        return _stack([self._texts[text] for text in texts], self.spec.dim)

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """See `Encoder.encode_images`."""
        return self.encode_image_rows(pixels)[:, : self.spec.dim]

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """See `embeddings.encode_image_rows`."""
        keys = [_key(array) for array in pixels]
        if not all(key in self._pixels for key in keys):
            return encode_image_rows(self._encoder, pixels)
        rows = [self._pixels[key] for key in keys]
        return _stack(rows, self.spec.dim + self.spec.features)


def _key(pixels: PixelArray) -> bytes:
    return hashlib.sha256(pixels.tobytes()).digest()


def _stack(rows: list[FloatArray], dim: int) -> FloatArray:
    return np.stack(rows) if rows else np.empty((0, dim), np.float32)
