"""A shop whose features tell its products apart, and whose model's vectors hardly do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from embeddings import FloatArray
from indexer.adaptation import Lessons, group_products

__all__ = ["DIM", "WIDTH", "encode_words", "taught_shop"]

DIM, WIDTH = 32, 48
_KINDS = ("lamp", "chair", "table", "shelf", "carpet", "mirror")
_COLOURS = ("red", "green", "blue", "white")


def encode_words(texts: Sequence[str]) -> FloatArray:
    """Embed texts as the sum of a random vector for each word, of length 1; `[n, DIM]`."""
    rows = [sum(map(_word, text.lower().split() or [""]), np.zeros(DIM)) for text in texts]
    return np.array([row / np.linalg.norm(row) for row in rows], np.float32).reshape(-1, DIM)


def taught_shop(
    count: int = 360, *, seed: int = 0, knows: float = 0.05, taught: float = 1.0
) -> Lessons:
    """Draw products of a kind and a colour each.

    Args:
        count: Number of products.
        seed: Of the drawing.
        knows: How much of the words is in the model's own vectors, beside noise of length 1.
        taught: How much of them is in the features, beside noise.
    """
    rng = np.random.default_rng(seed)
    kinds = [str(kind) for kind in rng.choice(_KINDS, count)]
    colours = [str(colour) for colour in rng.choice(_COLOURS, count)]
    titles = [
        f"{colour} {kind} {number // 2}"  # two variants share a title
        for number, (kind, colour) in enumerate(zip(kinds, colours, strict=True))
    ]
    titles[1::2] = titles[: count - count % 2 : 2]
    kinds[1::2] = kinds[: count - count % 2 : 2]
    colours[1::2] = colours[: count - count % 2 : 2]
    words = encode_words([f"{colour} {kind}" for colour, kind in zip(colours, kinds, strict=True)])
    noise = rng.normal(size=(count, DIM)) / np.sqrt(DIM)
    vectors = knows * words + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    seen = words @ rng.normal(size=(DIM, WIDTH)) * taught
    features = seen + 0.3 * rng.normal(size=(count, WIDTH))
    return Lessons(
        vectors.astype(np.float16),
        features.astype(np.float16),
        titles,
        {"kind": kinds, "colour": colours},
        group_products(titles),
        colours,
    )


def _word(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).normal(size=DIM)
