"""The sample of text queries: uniform, repeatable, and never too small."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embeddings import FakeEncoder, FloatArray
from indexer.build.texts import QuerySample
from indexer.index import NewProduct


class RecordingEncoder(FakeEncoder):
    """Records the texts it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.texts += texts
        return super().encode_texts(texts)


def sample_of(titles: Sequence[str]) -> list[str]:
    sample, encoder = QuerySample(), RecordingEncoder()
    products = [NewProduct(str(n), {"title": t, "price": n}, [], b"") for n, t in enumerate(titles)]
    assert list(sample.watch(products)) == products
    vectors = sample.embed(encoder)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert len(vectors) == len(encoder.texts)
    return encoder.texts


def test_a_small_catalog_is_filled_up_with_phrases() -> None:
    texts = sample_of(["Red bag", "x" * 500, "Red bag"])
    assert texts[:2] == ["Red bag", "x" * 200]
    phrases = texts[2:]
    assert len(phrases) == len(set(phrases)) == 90
    assert {"red chair", "striped book"} < set(phrases)
    assert all(len(phrase.split()) == 2 for phrase in phrases)


def test_a_large_catalog_gives_a_uniform_and_repeatable_sample() -> None:
    titles = [f"title {n}" for n in range(4000)]
    texts = sample_of(titles)
    assert len(texts) == len(set(texts)) == 400
    assert set(texts) < set(titles)
    assert texts == sample_of(titles)
    # Each tenth of the catalog gives about a tenth of the sample: 40 with a deviation of 6.
    tenths = np.bincount([int(text.split()[1]) // 400 for text in texts], minlength=10)
    assert tenths.min() > 15
    assert tenths.max() < 65
