"""`encode_many_texts` in bounded batches; `encode_image_rows` with and without features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from embeddings import (
    FakeEncoder,
    FeatureEncoder,
    FloatArray,
    encode_image_rows,
    encode_many_texts,
)
from tests.support.featured import FeaturedEncoder


class Recording(FakeEncoder):
    """Records the size of every batch of texts."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.batches.append(len(texts))
        return super().encode_texts(texts)


@pytest.mark.parametrize(("count", "batches"), [(0, []), (1, [1]), (64, [64]), (130, [64, 64, 2])])
def test_rows_keep_their_order_in_batches_of_64(count: int, batches: list[int]) -> None:
    encoder = Recording()
    words = ["red", "green", "blue"]
    vectors = encode_many_texts(encoder, [words[number % 3] for number in range(count)])
    assert encoder.batches == batches
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, np.tile(np.eye(3), (count // 3 + 1, 1))[:count])


def test_features_stand_beside_the_vectors() -> None:
    encoder, pixels = FeaturedEncoder(), np.zeros((2, 8, 8, 3), np.uint8)
    pixels[0, :4, :4] = 255
    assert isinstance(encoder, FeatureEncoder)
    rows = encode_image_rows(encoder, pixels)
    assert rows.shape == (2, encoder.spec.dim + encoder.spec.features)
    np.testing.assert_array_equal(rows[:, :3], encoder.encode_images(pixels))
    np.testing.assert_allclose(rows[:, 3:], [[1, 0, 0, 0], [0, 0, 0, 0]])


def test_an_encoder_without_features_gives_vectors_alone() -> None:
    encoder, pixels = FakeEncoder(), np.full((2, 8, 8, 3), 9, np.uint8)
    assert not isinstance(encoder, FeatureEncoder)
    assert encoder.spec.features == 0
    rows = encode_image_rows(encoder, pixels)
    np.testing.assert_array_equal(rows, encoder.encode_images(pixels))
