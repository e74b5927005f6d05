"""Embedding for scripts: batches, and a cache that asks the model for new rows alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from embeddings import FakeEncoder, FloatArray, PixelArray
from scripts.support.encoding import BATCH, CachingEncoder, embed_images


class CountingEncoder(FakeEncoder):
    """A fake encoder that notes what it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[list[str]] = []
        self.images: list[int] = []

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.texts.append(list(texts))
        return super().encode_texts(texts)

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        self.images.append(len(pixels))
        return super().encode_images(pixels)


def test_images_are_embedded_in_batches_and_in_order() -> None:
    encoder = CountingEncoder()
    images = [Image.new("RGB", (8, 8), (row, 100, 0)) for row in range(BATCH + 3)]
    vectors = embed_images(encoder, images)
    assert encoder.images == [BATCH, 3]
    colours = np.array([(row, 100, 0) for row in range(BATCH + 3)], np.float32)
    colours /= np.linalg.norm(colours, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, colours, atol=1e-6)


def test_no_text_is_embedded_twice() -> None:
    encoder = CountingEncoder()
    caching = CachingEncoder(encoder)
    first = caching.encode_texts(["red", "blue", "red"])
    second = caching.encode_texts(["green", "blue"])
    assert encoder.texts == [["red", "blue", "red"], ["green"]]
    np.testing.assert_array_equal(first, FakeEncoder().encode_texts(["red", "blue", "red"]))
    np.testing.assert_array_equal(second, FakeEncoder().encode_texts(["green", "blue"]))


def test_no_image_is_embedded_twice() -> None:
    encoder = CountingEncoder()
    caching = CachingEncoder(encoder)
    pixels = np.zeros((3, *encoder.preprocess.size, 3), np.uint8)
    pixels[0], pixels[1] = (255, 0, 0), (0, 255, 0)
    pixels[2] = (0, 0, 255)
    caching.encode_images(pixels[:2])
    vectors = caching.encode_images(pixels)
    assert encoder.images == [2, 1]
    np.testing.assert_array_equal(vectors, FakeEncoder().encode_images(pixels))
