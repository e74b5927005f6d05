"""Real vectors of the shared catalogs, and similar ones drawn around them for larger indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from embeddings import ImageError, PixelArray, Preprocess, encode_many_texts, load_encoder
from embeddings.images import open_image
from indexer.retrieval import exact_neighbours
from scripts.support.encoding import BATCH

__all__ = ["Vectors", "embed_catalogs", "enlarge", "load_vectors"]

HELD_BACK = 1000
_NEIGHBOURS = 8
_BLOCK = 65_536
_TITLE_COLUMNS = ("title", "name", "description")

Rows = NDArray[np.float16]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """Vectors to index and to search with.

    Attributes:
        images: `[n, dim]` float32 unit vectors of real images.
        near: `[n, 8]` rows of each image's nearest others.
        image_queries: `[1000, dim]` of images held back from `images`.
        text_queries: `[1000, dim]` of product titles.
    """

    images: Floats
    near: NDArray[np.int64]
    image_queries: Floats
    text_queries: Floats


def embed_catalogs(data: Path, cache: Path, limit: int | None = None) -> None:
    """Embed images and some titles of the catalogs with `compact`; write them to the cache."""
    encoder = load_encoder("compact")
    blocks = [
        encoder.encode_images(np.stack(batch))
        for batch in _batches(_pixels(data, encoder.preprocess), limit)
    ]
    titles = _titles(data)[:limit]
    drawn = np.random.default_rng(0).permutation(len(titles))[:HELD_BACK]
    texts = encode_many_texts(encoder, [titles[number] for number in drawn])
    cache.mkdir(parents=True, exist_ok=True)
    np.save(cache / "images.npy", np.concatenate(blocks).astype(np.float16))
    np.save(cache / "texts.npy", texts.astype(np.float16))


def _pixels(data: Path, preprocess: Preprocess) -> Iterator[PixelArray]:
    """Decode the images of all catalogs; those that can't be are left out."""
    for path in sorted(data.glob("*.parquet")):
        for value in pq.read_table(path, columns=["image"])["image"]:
            found = value.as_py()
            try:
                image = open_image(found["bytes"] if isinstance(found, dict) else found)
            except ImageError:
                continue
            yield preprocess(image)


def _batches(pixels: Iterator[PixelArray], limit: int | None) -> Iterator[list[PixelArray]]:
    chosen = islice(pixels, limit)
    while batch := list(islice(chosen, BATCH)):
        yield batch


def _titles(data: Path) -> list[str]:
    """Return the different titles of all catalogs, in an order of its own but always the same."""
    titles: set[str] = set()
    for path in sorted(data.glob("*.parquet")):
        names = pq.read_schema(path).names
        column = next((name for name in _TITLE_COLUMNS if name in names), None)
        if column is not None:
            found = pq.read_table(path, columns=[column])[column].to_pylist()
            titles.update(text for text in found if text)
    return sorted(titles)


def load_vectors(data: Path, cache: Path, limit: int | None = None) -> Vectors:
    """Return the real vectors, embedded now if they never were."""
    if not (cache / "texts.npy").exists():
        embed_catalogs(data, cache, limit)
    images = np.load(cache / "images.npy").astype(np.float32)
    texts = np.load(cache / "texts.npy").astype(np.float32)
    rng = np.random.default_rng(0)
    images = images[rng.permutation(len(images))]
    held, kept = images[:HELD_BACK], images[HELD_BACK:]
    return Vectors(
        kept, _near(kept, cache / "near.npy"), held, texts[rng.permutation(len(texts))[:HELD_BACK]]
    )


def _near(images: NDArray[Any], path: Path) -> NDArray[np.int64]:
    """Return the rows of each image's nearest others; found once and kept in a file."""
    if not path.exists():
        np.save(path, exact_neighbours(images, images, _NEIGHBOURS + 1)[:, 1:])
    found: NDArray[np.int64] = np.load(path)
    return found


def enlarge(vectors: Vectors, count: int) -> Iterator[tuple[Rows, NDArray[np.int64]]]:
    """Yield blocks of `count` vectors in all, with the real image that each comes from.

    The real ones come first. Every further one is drawn from a normal distribution around a real
    image, with the covariance of the differences to its eight nearest neighbours: a sample of the
    density that the real ones suggest, locally as flat and as wide as they lie (Vincent and Bengio
    2003, "Manifold Parzen Windows").
    """
    real = vectors.images[:count]
    yield real.astype(np.float16), np.arange(len(real))
    rng = np.random.default_rng(1)
    left = count - len(real)
    while left > 0:
        size = min(left, _BLOCK)
        origin = rng.integers(0, len(vectors.images), size)
        weights = rng.normal(size=(size, _NEIGHBOURS)).astype(np.float32) / _NEIGHBOURS**0.5
        drawn = vectors.images[origin] * (1 - weights.sum(axis=1, keepdims=True))
        for number in range(_NEIGHBOURS):
            neighbour = vectors.images[vectors.near[origin, number]]
            drawn += weights[:, number : number + 1] * neighbour
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        yield drawn.astype(np.float16), origin
        left -= size
