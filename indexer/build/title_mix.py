"""Titles in document vectors: pictures are searched by what they show and what they say."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray
from indexer.catalog import FieldValue, title_of
from indexer.index import NewProduct

__all__ = [
    "DEFAULT_TEXT_WEIGHT",
    "TextMemory",
    "TextMixer",
    "mix_titles",
    "mixed",
]

# Words gain nine points of precision, and lose one where all titles are wrong (docs/relevance.md).
DEFAULT_TEXT_WEIGHT = 0.1
_BATCH = 256
# Products whose titles are looked up together.
_PRODUCTS = 1024
# Below this length picture and title cancel out, and the picture stands alone.
_MIN_LENGTH = 1e-3


class TextMemory(Protocol):
    """Keeps vectors of texts, so that an interrupted build does not embed them twice."""

    def text_vectors(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """Those of `keys` that are there."""

    def add_texts(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Keep vectors, durably."""


class TextMixer:
    """Mixes the titles of products into the vectors of their pictures.

    Args:
        encoder: Embeds titles.
        weight: The title's share, 0 to below 1.
        memory: Where vectors of titles are kept.

    Attributes:
        embedded: How many titles were embedded so far.
    """

    def __init__(self, encoder: Encoder, weight: float, memory: TextMemory) -> None:
        self.embedded = 0
        self.weight = weight
        self._encoder = encoder
        self._memory = memory

    def titles(self, products: Sequence[Mapping[str, FieldValue]]) -> list[FloatArray | None]:
        """For products, given by their fields: unit vectors `[dim]` of their titles, or None."""
        texts = [title_of(fields) for fields in products]
        keys = {text: _key(text) for text in texts if text is not None}
        known = self._memory.text_vectors(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in known]
        for start in range(0, len(missing), _BATCH):
            some = missing[start : start + _BATCH]
            made = self._encoder.encode_texts(some).astype(np.float16)
            new = {keys[text]: vector for text, vector in zip(some, made, strict=True)}
            self._memory.add_texts(new)
            known.update(new)
            self.embedded += len(some)
        return [None if t is None else known[keys[t]].astype(np.float32) for t in texts]


def mix_titles(products: Iterable[NewProduct], mixer: TextMixer) -> Iterator[NewProduct]:
    """Products whose pictures all have the vectors that are searched; some may have them before."""
    products = iter(products)
    while batch := list(itertools.islice(products, _PRODUCTS)):
        lacking = [any(image.searched is None for image in product.images) for product in batch]
        titles = iter(
            mixer.titles([product.fields for product in itertools.compress(batch, lacking)])
        )
        for product, lacks in zip(batch, lacking, strict=True):
            if not lacks:
                yield product
                continue
            title = next(titles)
            images = [
                replace(image, searched=mixed(image.vector, title, mixer.weight))
                for image in product.images
            ]
            yield replace(product, images=images)


def mixed(
    picture: NDArray[np.float16], title: FloatArray | None, weight: float
) -> NDArray[np.float16]:
    """The vector that is searched for a picture, `[dim]` of length 1.

    Args:
        picture: `[dim]` unit vector.
        title: `[dim]` unit vector, or None for a product without a title.
        weight: The title's share, 0 to 1.
    """
    if title is None:
        return picture
    total = (1 - weight) * picture.astype(np.float32) + weight * title
    length = float(np.linalg.norm(total))
    return picture if length < _MIN_LENGTH else (total / length).astype(np.float16)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
