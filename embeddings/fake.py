"""`FakeEncoder`: an encoder with vectors that can be computed by hand, for tests and dry runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embeddings.encoder import EncoderSpec, FloatArray, PixelArray
from embeddings.preprocess import Preprocess, ResizeMode

__all__ = ["FakeEncoder"]

_AXES = {"red": 0, "green": 1, "blue": 2}


class FakeEncoder:
    """Embeds an image as its mean colour, and a text as the primary colours it names.

    An image's vector is its mean (R, G, B), scaled to length 1: pure red is (1, 0, 0), yellow is
    (0.707, 0.707, 0). A text's vector has 1 at the axis of each of the words red, green and blue in
    it, scaled to length 1. Without any colour (a black image, the text "shoe") the vector is the
    grey diagonal (0.577, 0.577, 0.577).
    """

    def __init__(self, name: str = "fake", fingerprint: str = "fake-fingerprint") -> None:
        self._spec = EncoderSpec(name=name, fingerprint=fingerprint, dim=3, logit_scale=10.0)
        self._preprocess = Preprocess((8, 8), ResizeMode.SQUASH)

    @property
    def spec(self) -> EncoderSpec:
        """Identity and properties of this encoder; `name` and `fingerprint` as constructed."""
        return self._spec

    @property
    def preprocess(self) -> Preprocess:
        """Squashes to 8 x 8 pixels."""
        return self._preprocess

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Return mean colours `[n, 3]` of length 1."""
        return _unit_rows(pixels.astype(np.float32).mean(axis=(1, 2)))

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Return the named primary colours `[n, 3]`, of length 1."""
        rows = np.zeros((len(texts), 3), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                if word in _AXES:
                    row[_AXES[word]] = 1.0
        return _unit_rows(rows)


def _unit_rows(rows: FloatArray) -> FloatArray:
    rows[~rows.any(axis=1)] = 1.0
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
