"""Text weight: how much of a title to mix into the vectors that are searched.

Searches by words gain with any weight, since titles hold the words. Searches by image may lose, and
where titles are wrong or mean nothing, searches by words may lose too. The default is the weight
that gains most among those that cost next to nothing even where every title is another product's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray, encode_many_texts
from embeddings.images import open_image
from indexer.build import mix_vectors
from scripts.docs.figures import Grid
from scripts.evaluation.search.attributes import attribute_queries
from scripts.evaluation.search.setting import IndexedCatalog, Setting
from scripts.support.encoding import embed_images
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import (
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    read_images,
    read_rows,
)

__all__ = ["TABLES", "WEIGHTS", "measure"]

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
_K = 10
_KIND = ("article_type", "base_colour")
_WORDS = "words: type, colour and gender, precision@10"
_HALF_TITLE = "words: half a title, recall@10"
_IMAGES = "pictures: type and colour, precision@10"
_GROCERY = "pictures: grocery photo to packshot, recall@1"

Right = NDArray[np.bool_]


def _other_title(titles: Sequence[str], row: int) -> str:
    return titles[(row * 7919 + 1) % len(titles)]


# What shops may have in place of titles: from all right titles and a row, the title of that row.
_BAD_TITLES: Mapping[str, Callable[[Sequence[str], int], str]] = {
    "a tenth of titles another product's": lambda titles, row: (
        _other_title(titles, row) if row % 10 == 0 else titles[row]
    ),
    "all titles another product's": _other_title,
    "file names for titles": lambda _, row: f"IMG_{10_000 + row * 37 % 90_000}.jpg",
    "one title for all": lambda *_: "New arrival, free shipping",
}

_ROWS = {str(weight): f"{weight:g}" for weight in WEIGHTS}
TABLES = (
    Grid(
        "{column}, text weight {row}",
        _ROWS,
        {
            _WORDS: "words: type, colour and gender, P@10",
            _HALF_TITLE: "words: half a title, R@10",
            _IMAGES: "images: same type and colour, P@10",
            _GROCERY: "grocery photo to packshot, R@1",
        },
        "weight",
    ),
    *(
        Grid(
            f"{{column}}: {kind}, precision@10, text weight {{row}}",
            {row: label for row, label in _ROWS.items() if float(row) > 0},
            {name: name for name in _BAD_TITLES},
            f"weight, {label}",
        )
        for kind, label in (("words", "words"), ("pictures", "images"))
    ),
)


def measure(setting: Setting) -> list[Measure]:
    """Measure words and images on held-back fashion, and photos on groceries."""
    return [*_fashion(setting), *_bad_titles(setting), *_groceries(setting)]


def _fashion(setting: Setting) -> list[Measure]:
    catalog, encoder = setting.held, setting.encoder
    titles = [str(title) for title in catalog.columns["title"]]
    texts = encode_many_texts(encoder, titles)
    words, right = _attribute_queries(setting)
    halves = encode_many_texts(encoder, [_half(title) for title in titles])
    same_kind = _same_kind(catalog)
    found = []
    for weight in WEIGHTS:
        stored = _mixes(catalog.vectors, texts, weight)
        own = np.eye(len(titles), dtype=np.bool_)
        found += [
            _figure(_WORDS, weight, _precision(words @ stored.T, right)),
            _figure(_HALF_TITLE, weight, _found(halves @ stored.T, own)),
            _figure(_IMAGES, weight, _precision_of_images(catalog, stored, same_kind)),
        ]
    return found


def _bad_titles(setting: Setting) -> list[Measure]:
    """Measure the same for catalogs whose titles can't be trusted."""
    catalog = setting.held
    titles = [str(title) for title in catalog.columns["title"]]
    words, right = _attribute_queries(setting)
    same_kind = _same_kind(catalog)
    found = []
    for name, written in _BAD_TITLES.items():
        texts = encode_many_texts(
            setting.encoder, list(map(partial(written, titles), range(len(titles))))
        )
        for weight in WEIGHTS[1:]:
            stored = _mixes(catalog.vectors, texts, weight)
            by_image = _precision_of_images(catalog, stored, same_kind)
            found += [
                _figure(
                    f"{name}: words, precision@10", weight, _precision(words @ stored.T, right)
                ),
                _figure(f"{name}: pictures, precision@10", weight, by_image),
            ]
    return found


def _groceries(setting: Setting) -> list[Measure]:
    products = read_rows(setting.data, GROCERY_PRODUCTS)
    photos = read_rows(setting.data, GROCERY_PHOTOS)
    packshots = _embedded(setting, list(read_images(setting.data, GROCERY_PRODUCTS)))
    files = list(read_images(setting.data, GROCERY_PHOTOS))
    vectors = _embedded(setting, [files[row] for row in photos.held])
    owners = [photos.columns["product_id"][row] for row in photos.held]
    right = np.array([[id_ == owner for id_ in products.columns["id"]] for owner in owners])
    texts = encode_many_texts(
        setting.encoder, [str(text) for text in products.columns["description"]]
    )
    return [
        _figure(_GROCERY, weight, _found(vectors @ _mixes(packshots, texts, weight).T, right, 1))
        for weight in WEIGHTS
    ]


def _attribute_queries(setting: Setting) -> tuple[FloatArray, Right]:
    """Return vectors of the attribute queries, and which products are right for each."""
    catalog = setting.held
    queries = attribute_queries(catalog, setting.limit)
    vectors = encode_many_texts(setting.encoder, [str(query.text) for query in queries])
    return vectors, np.array([catalog.having(query.labels) for query in queries])


def _same_kind(catalog: IndexedCatalog) -> Right:
    """Return which products are of one type and colour, `[n, n]`; none with itself."""
    columns = [catalog.columns[name] for name in _KIND]
    same = np.asarray(
        np.logical_and.reduce([column[:, None] == column[None, :] for column in columns]), np.bool_
    )
    np.fill_diagonal(same, val=False)
    return same


def _precision_of_images(
    catalog: IndexedCatalog, stored: FloatArray, same_kind: Right
) -> NDArray[np.float64]:
    scores = catalog.vectors @ stored.T
    np.fill_diagonal(scores, -1)
    some = same_kind.any(axis=1)
    return _precision(scores[some], same_kind[some])


def _embedded(setting: Setting, files: Sequence[bytes]) -> FloatArray:
    return embed_images(setting.encoder, [open_image(content) for content in files])


def _mixes(images: FloatArray, texts: FloatArray, weight: float) -> FloatArray:
    rows = [
        mix_vectors(image.astype(np.float16), text, weight)
        for image, text in zip(images, texts, strict=True)
    ]
    return np.array(rows, np.float32)


def _half(title: str) -> str:
    """Return every other word of a title, as a user who half remembers it may type."""
    words = title.split()
    return " ".join(words[::2]) if len(words) > 1 else title


def _precision(scores: FloatArray, right: Right) -> NDArray[np.float64]:
    """Return precision@10 of each query."""
    top = np.argsort(-scores, axis=1, kind="stable")[:, :_K]
    return np.asarray(np.take_along_axis(right, top, 1).mean(axis=1), np.float64)


def _found(scores: FloatArray, right: Right, k: int = _K) -> NDArray[np.float64]:
    """Return for each query 1 where a right product is among the first k, else 0."""
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.asarray(np.take_along_axis(right, top, 1).any(axis=1), np.float64)


def _figure(name: str, weight: float, values: NDArray[np.float64]) -> Measure:
    return Measure.mean(f"{name}, text weight {weight}", values.tolist())
