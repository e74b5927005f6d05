"""Title mixing: adds the titles' text vectors to the image vectors that are searched."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray
from indexer.build.reporting import Stage, StageClock
from indexer.catalog import FieldValue, title_of
from indexer.index import NewImage, NewProduct

__all__ = [
    "DEFAULT_TEXT_WEIGHT",
    "MemoryTextVectors",
    "TextVectorStore",
    "TitleMixer",
    "mix_titles",
    "mix_vectors",
]

# Gains nine points of precision, and loses one where all titles are wrong (docs/relevance.md).
DEFAULT_TEXT_WEIGHT = 0.1
# Titles embedded in one call.
_BATCH = 256
# Products whose titles are looked up together.
_PRODUCTS = 1024
# Image and title vectors whose sum is shorter than this cancel out; the image vector is used alone.
_MIN_LENGTH = 1e-3


class TextVectorStore(Protocol):
    """Stores vectors of texts, so that an interrupted build does not embed them twice."""

    def text_vectors(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """Return the stored vectors, `[dim]`, of those keys that have one."""

    def add_texts(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Store vectors durably."""


class MemoryTextVectors:
    """Vectors of texts in memory, for one run."""

    def __init__(self) -> None:
        self._vectors: dict[bytes, NDArray[np.float16]] = {}

    def text_vectors(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """Return the stored vectors of those keys that have one."""
        return {key: self._vectors[key] for key in keys if key in self._vectors}

    def add_texts(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Store vectors until the end of the run."""
        self._vectors.update(vectors)


class TitleMixer:
    """Mixes the titles of products into the vectors of their images.

    Args:
        encoder: Embeds titles.
        weight: Weight of the title, 0 to below 1.
        store: Stores the vectors of titles.
        clock: Told when titles are encoded.

    Attributes:
        embedded: Number of titles embedded so far.
        weight: As given.
    """

    def __init__(
        self,
        encoder: Encoder,
        weight: float,
        store: TextVectorStore,
        clock: StageClock | None = None,
    ) -> None:
        self.embedded = 0
        self.weight = weight
        self._encoder = encoder
        self._store = store
        self._clock = clock or StageClock()

    def title_vectors(
        self, products: Sequence[Mapping[str, FieldValue]]
    ) -> list[FloatArray | None]:
        """Return the unit vector `[dim]` of each product's title, or None where it has no title.

        Args:
            products: The fields of each product.
        """
        titles = [title_of(fields) for fields in products]
        found = self._found([title for title in titles if title is not None])
        return [None if title is None else found[title] for title in titles]

    def vectors_of(self, texts: Sequence[str]) -> FloatArray:
        """Return the unit vectors of texts, `[n, dim]`."""
        found = self._found(texts)
        return np.array([found[text] for text in texts], np.float32)

    def _found(self, texts: Sequence[str]) -> dict[str, FloatArray]:
        """Return the vectors of texts, stored or embedded now."""
        keys = {text: _key(text) for text in texts}
        vectors = self._store.text_vectors(list(keys.values()))
        missing = [text for text, key in keys.items() if key not in vectors]
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            with self._clock.during(Stage.ENCODING):
                encoded = self._encoder.encode_texts(batch).astype(np.float16)
            new = {keys[text]: vector for text, vector in zip(batch, encoded, strict=True)}
            self._store.add_texts(new)
            vectors.update(new)
            self.embedded += len(batch)
        return {text: vectors[key].astype(np.float32) for text, key in keys.items()}


def mix_titles(products: Iterable[NewProduct], mixer: TitleMixer) -> Iterator[NewProduct]:
    """Yield products with their searched vectors filled in; those they have already are kept."""
    products = iter(products)
    while batch := list(itertools.islice(products, _PRODUCTS)):
        incomplete = [any(image.searched is None for image in product.images) for product in batch]
        titles = iter(
            mixer.title_vectors(
                [product.fields for product in itertools.compress(batch, incomplete)]
            )
        )
        for product, is_incomplete in zip(batch, incomplete, strict=True):
            if not is_incomplete:
                yield product
                continue
            title = next(titles)
            images = [
                replace(image, searched=mix_vectors(_shown(image), title, mixer.weight))
                for image in product.images
            ]
            yield replace(product, images=images)


def mix_vectors(
    image: NDArray[np.float16], title: FloatArray | None, weight: float
) -> NDArray[np.float16]:
    """Return the searched vector of an image, `[dim]` of length 1.

    Args:
        image: `[dim]` unit vector.
        title: `[dim]` unit vector, or None for a product without a title.
        weight: Weight of the title, 0 to 1.
    """
    if title is None:
        return image
    total = (1 - weight) * image.astype(np.float32) + weight * title
    length = float(np.linalg.norm(total))
    return image if length < _MIN_LENGTH else (total / length).astype(np.float16)


def _shown(image: NewImage) -> NDArray[np.float16]:
    """Return the vector that a title is mixed into."""
    return image.vector if image.adapted is None else image.adapted


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
