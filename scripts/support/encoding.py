"""Embedding for scripts: in batches, and with a cache of what was embedded before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from embeddings import Encoder, FloatArray, PixelArray

__all__ = ["BATCH", "CachingEncoder", "embed_images"]

# Texts or images that go through a model at once.
BATCH = 64


def embed_images(encoder: Encoder, images: Sequence[Image.Image]) -> FloatArray:
    """Return unit vectors `[n, dim]` of images, at least one."""
    batches = (images[at : at + BATCH] for at in range(0, len(images), BATCH))
    pixels = (np.stack([encoder.preprocess(image) for image in batch]) for batch in batches)
    return np.concatenate([encoder.encode_images(batch) for batch in pixels])


class CachingEncoder:
    """An encoder that embeds no image and no text twice.

    Args:
        encoder: What embeds the others.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.spec, self.preprocess = encoder.spec, encoder.preprocess
        self._vectors: dict[bytes, FloatArray] = {}

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Return unit vectors `[n, dim]` of images."""
        keys = [hashlib.sha256(row.tobytes()).digest() for row in pixels]
        return self._cached(keys, lambda new: self._encoder.encode_images(pixels[new]))

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors `[n, dim]` of texts."""
        keys = [text.encode() for text in texts]
        return self._cached(keys, lambda new: self._encoder.encode_texts([texts[i] for i in new]))

    def _cached(
        self, keys: Sequence[bytes], embed: Callable[[list[int]], FloatArray]
    ) -> FloatArray:
        new = [row for row, key in enumerate(keys) if key not in self._vectors]
        if new:
            self._vectors |= zip([keys[row] for row in new], embed(new), strict=True)
        return np.stack([self._vectors[key] for key in keys])
