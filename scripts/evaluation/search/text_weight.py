"""How much of a title to mix into the vectors that are searched: words against pictures.

Words gain by any share, since what they ask for stands in titles; pictures may lose, and where
titles are wrong or mean nothing, words may too. The default is the share that gains most among
those that cost next to nothing even where every title is another product's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from embeddings.images import open_image
from indexer.build import mix_vectors
from scripts.evaluation.search.attributes import ATTRIBUTES, attribute_queries
from scripts.evaluation.search.setting import Setting, Shelf
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import read_pictures, read_rows

__all__ = ["WEIGHTS", "measure"]

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
_K = 10
_BATCH = 64
_KIND = ("article_type", "base_colour")

Right = NDArray[np.bool_]

# What shops may have in place of titles: from the right titles and a product's row, the one it has.
_BAD_TITLES: Mapping[str, Callable[[Sequence[str], int], str]] = {
    "a tenth of titles another product's": lambda titles, row: (
        titles[(row * 7919 + 1) % len(titles)] if row % 10 == 0 else titles[row]
    ),
    "all titles another product's": lambda titles, row: titles[(row * 7919 + 1) % len(titles)],
    "file names for titles": lambda titles, row: f"IMG_{10_000 + row * 37 % 90_000}.jpg",
    "one title for all": lambda titles, row: "New arrival, free shipping",
}


def measure(setting: Setting) -> list[Measure]:
    """Precision of words and pictures on held-back fashion, and of photos on groceries."""
    return [*_fashion(setting), *_bad_titles(setting), *_groceries(setting)]


def _fashion(setting: Setting) -> list[Measure]:
    shelf = setting.held
    titles = list(shelf.columns["title"])
    texts = setting.encoder.encode_texts(titles)
    asked = {
        "attributes": _asked_by_attributes(setting),
        "half a title": (
            setting.encoder.encode_texts([_half(title) for title in titles]),
            np.eye(len(titles), dtype=bool),
        ),
    }
    alike = _alike(shelf)
    found = []
    for weight in WEIGHTS:
        stored = _mixes(shelf.vectors, texts, weight)
        vectors, right = asked["attributes"]
        found.append(_figure("words: type, colour and gender, precision@10", weight,
                             _precision(vectors @ stored.T, right)))  # fmt: skip
        vectors, right = asked["half a title"]
        found.append(_figure("words: half a title, recall@10", weight,
                             _first(vectors @ stored.T, right)))  # fmt: skip
        found.append(_figure("pictures: type and colour, precision@10", weight,
                             _pictures_found(shelf, stored, alike)))  # fmt: skip
    return found


def _bad_titles(setting: Setting) -> list[Measure]:
    """The same for catalogs whose titles can't be trusted."""
    shelf = setting.held
    titles = [str(title) for title in shelf.columns["title"]]
    vectors, right = _asked_by_attributes(setting)
    alike = _alike(shelf)
    found = []
    for name, written in _BAD_TITLES.items():
        texts = setting.encoder.encode_texts([written(titles, row) for row in range(len(titles))])
        for weight in WEIGHTS[1:]:
            stored = _mixes(shelf.vectors, texts, weight)
            found.append(_figure(f"{name}: words, precision@10", weight,
                                 _precision(vectors @ stored.T, right)))  # fmt: skip
            found.append(_figure(f"{name}: pictures, precision@10", weight,
                                 _pictures_found(shelf, stored, alike)))  # fmt: skip
    return found


def _asked_by_attributes(setting: Setting) -> tuple[FloatArray, Right]:
    """Vectors of the attribute queries, and which products each of them is right for."""
    shelf = setting.held
    queries = attribute_queries(shelf, setting.limit)
    vectors = setting.encoder.encode_texts([str(query.text) for query in queries])
    return vectors, np.array([_same(shelf, query.labels) for query in queries])


def _alike(shelf: Shelf) -> Right:
    """Which products are of one type and colour, `[n, n]`; none with itself."""
    columns = [shelf.columns[name] for name in _KIND]
    alike = np.logical_and.reduce([c[:, None] == c[None, :] for c in columns])
    np.fill_diagonal(alike, val=False)
    return alike


def _pictures_found(shelf: Shelf, stored: FloatArray, alike: Right) -> NDArray[np.float64]:
    scores = shelf.vectors @ stored.T
    np.fill_diagonal(scores, -1)
    some = alike.any(axis=1)
    return _precision(scores[some], alike[some])


def _groceries(setting: Setting) -> list[Measure]:
    products = read_rows(setting.data, "grocery-products")
    photos = read_rows(setting.data, "grocery-photos-train")
    packshots = _encoded(setting, list(read_pictures(setting.data, "grocery-products")))
    held = set(photos.held.tolist())
    pictures = read_pictures(setting.data, "grocery-photos-train")
    taken = _encoded(setting, [data for row, data in enumerate(pictures) if row in held])
    owners = [photos.columns["product_id"][row] for row in sorted(held)]
    own = list(products.columns["id"])
    right = np.array([[product == owner for product in own] for owner in owners])
    texts = setting.encoder.encode_texts([str(t) for t in products.columns["description"]])
    return [
        _figure("pictures: grocery photo to packshot, recall@1", weight,
                _first(taken @ _mixes(packshots, texts, weight).T, right, 1))
        for weight in WEIGHTS
    ]  # fmt: skip


def _encoded(setting: Setting, pictures: Sequence[bytes]) -> FloatArray:
    encoder = setting.encoder
    parts = []
    for start in range(0, len(pictures), _BATCH):
        some = [open_image(data) for data in pictures[start : start + _BATCH]]
        pixels = np.stack([encoder.preprocess(image) for image in some])
        parts.append(encoder.encode_images(pixels))
    return np.concatenate(parts)


def _mixes(pictures: FloatArray, texts: FloatArray, weight: float) -> FloatArray:
    rows = [
        mix_vectors(picture.astype(np.float16), text, weight)
        for picture, text in zip(pictures, texts, strict=True)
    ]
    return np.array(rows, np.float32)


def _same(shelf: Shelf, labels: dict[str, object]) -> Right:
    return np.logical_and.reduce([shelf.columns[name] == labels[name] for name in ATTRIBUTES])


def _half(title: str) -> str:
    """Every other word of a title, as someone who half remembers it may type."""
    words = title.split()
    return " ".join(words[::2]) if len(words) > 1 else title


def _precision(scores: FloatArray, right: Right) -> NDArray[np.float64]:
    top = np.argsort(-scores, axis=1, kind="stable")[:, :_K]
    return np.take_along_axis(right, top, 1).mean(axis=1)


def _first(scores: FloatArray, right: Right, k: int = _K) -> NDArray[np.float64]:
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(right, top, 1).any(axis=1).astype(np.float64)


def _figure(name: str, weight: float, values: NDArray[np.float64]) -> Measure:
    half = 1.96 * float(values.std()) / len(values) ** 0.5
    note = f"{len(values)} queries, 95% plus or minus {half:.3f}"
    return Measure(f"{name}, text weight {weight}", float(values.mean()), None, reason=note)
