"""`FeaturedEncoder`: a `FakeEncoder` that also gives features a person can compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embeddings import EncoderSpec, FakeEncoder, FloatArray, PixelArray

__all__ = ["FeaturedEncoder"]


class FeaturedEncoder(FakeEncoder):
    """Gives the brightness of an image's four quarters, 0 to 1, beside its vector."""

    @property
    def spec(self) -> EncoderSpec:
        """That of `FakeEncoder`, with four features."""
        return replace(super().spec, features=4)

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Return `[n, 3 + 4]`: `encode_images`, then upper left and right, lower left and right."""
        count, height, width, _ = pixels.shape
        halves = pixels.reshape(count, 2, height // 2, 2, width // 2, 3).astype(np.float32)
        quarters = halves.mean(axis=(2, 4, 5)).reshape(count, 4) / 255
        return np.concatenate([self.encode_images(pixels), quarters], axis=1)
