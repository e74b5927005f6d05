"""Real vectors of the shared catalogs, and more of the like for larger indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from embeddings import ImageError
from embeddings.clip import load_encoder
from embeddings.images import open_image
from indexer.retrieval import exact_neighbours

__all__ = ["Vectors", "embed_catalogs", "enlarge", "load_vectors"]

HELD_BACK = 1000
_NEIGHBOURS = 8
_BATCH = 64
_BLOCK = 65_536
_TITLE_COLUMNS = ("title", "name", "description")

Rows = NDArray[np.float16]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """What the benchmark searches and asks.

    Attributes:
        pictures: `[n, dim]` float32 unit vectors of real pictures.
        near: `[n, 8]` rows of each picture's nearest others.
        picture_queries: `[1000, dim]` of pictures held back from `pictures`.
        text_queries: `[1000, dim]` of product titles.
    """

    pictures: Floats
    near: NDArray[np.int64]
    picture_queries: Floats
    text_queries: Floats


def embed_catalogs(data: Path, cache: Path) -> None:
    """Embed every picture and title of the shared catalogs with `compact`, once."""
    encoder = load_encoder("compact")
    pictures, pixels, titles = [], [], set()
    for path in sorted(data.glob("*.parquet")):
        table = pq.read_table(path)
        for column in _TITLE_COLUMNS:
            if column in table.column_names:
                titles.update(text for text in table[column].to_pylist() if text)
                break
        for value in table["image"]:
            found = value.as_py()
            try:
                image = open_image(found["bytes"] if isinstance(found, dict) else found)
            except ImageError:
                continue
            pixels.append(encoder.preprocess(image))
            if len(pixels) == _BATCH:
                pictures.append(encoder.encode_images(np.stack(pixels)))
                pixels = []
    if pixels:
        pictures.append(encoder.encode_images(np.stack(pixels)))
    ordered = sorted(titles)
    texts = [
        encoder.encode_texts(ordered[start : start + _BATCH])
        for start in range(0, len(ordered), _BATCH)
    ]
    cache.mkdir(parents=True, exist_ok=True)
    np.save(cache / "pictures.npy", np.concatenate(pictures).astype(np.float16))
    np.save(cache / "texts.npy", np.concatenate(texts).astype(np.float16))


def load_vectors(data: Path, cache: Path) -> Vectors:
    """The real vectors, embedded now if they never were."""
    if not (cache / "texts.npy").exists():
        embed_catalogs(data, cache)
    pictures = np.load(cache / "pictures.npy").astype(np.float32)
    texts = np.load(cache / "texts.npy").astype(np.float32)
    rng = np.random.default_rng(0)
    pictures = pictures[rng.permutation(len(pictures))]
    held, kept = pictures[:HELD_BACK], pictures[HELD_BACK:]
    near = exact_neighbours(kept, kept, _NEIGHBOURS + 1)[:, 1:]
    return Vectors(kept, near, held, texts[rng.permutation(len(texts))[:HELD_BACK]])


def enlarge(vectors: Vectors, count: int) -> Iterator[tuple[Rows, NDArray[np.int64]]]:
    """Blocks of `count` vectors in all, with the real picture that each comes from.

    The real ones come first. Every further one is drawn from a normal distribution around a real
    picture, with the covariance of the differences to its eight nearest neighbours: a sample of the
    density that the real ones suggest, locally as flat and as wide as they lie (Vincent and Bengio
    2003, "Manifold Parzen Windows").
    """
    real = vectors.pictures[:count]
    yield real.astype(np.float16), np.arange(len(real))
    rng = np.random.default_rng(1)
    left = count - len(real)
    while left > 0:
        size = min(left, _BLOCK)
        origin = rng.integers(0, len(vectors.pictures), size)
        weights = rng.normal(size=(size, _NEIGHBOURS)).astype(np.float32) / _NEIGHBOURS**0.5
        drawn = vectors.pictures[origin] * (1 - weights.sum(axis=1, keepdims=True))
        for number in range(_NEIGHBOURS):
            neighbour = vectors.pictures[vectors.near[origin, number]]
            drawn += weights[:, number : number + 1] * neighbour
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        yield drawn.astype(np.float16), origin
        left -= size
