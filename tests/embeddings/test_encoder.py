"""`encode_many_texts`: any number of texts, in bounded batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from embeddings import FakeEncoder, FloatArray, encode_many_texts


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
