"""Titles that disagree with their product's image, strongest evidence first.

The score is the sum of two signals, each in robust standard deviations over the catalog:

1. The pointwise mutual information of title and image by the model: their cosine, less the soft
   maximum of the cosines of each with a background of other titles and images. It is what CLIP's
   training loss maximises (Oord et al. 2018, arXiv:1807.03748). A plain cosine favours images that
   match everything.
2. The disagreement with the nearest neighbours: how far a title is from the titles of products with
   similar images, and an image from the images of products with similar titles (in the spirit of
   confident learning, Northcutt et al. 2021, arXiv:1911.00068, with nearest neighbours as the
   classifier). It works where the model knows little about the products.

The weights and the alternatives that were tried are in docs/health.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray
from indexer.index import ImageTable, Progress
from indexer.retrieval import BatchSearch

__all__ = ["LISTED_SHARE", "TitleSuspect", "check_titles"]

LISTED_SHARE = 0.02
"""Share of the products with a title that is listed."""

# Titles embedded at once.
_BATCH = 256
# Vectors compared at once: bounds the memory.
_BLOCK = 1024
# Products whose neighbours are searched at once.
_QUERIES = 4096
# Titles and images of the background; more changed no result.
_BACKGROUND = 1500
# Products that neighbours are searched among: keeps the time proportional to the catalog.
_REFERENCES = 20_000
# Nearest neighbours of each product.
_NEIGHBOURS = 20
# Neighbours are weighted by e to the power of this times their cosine.
_SHARPNESS = 15.0
# Weight of each half of the second signal; the first signal has 1.
_NEIGHBOUR_WEIGHT = 0.5
# With fewer titles the spread of the scores cannot be estimated.
_MIN_TITLES = 10
# Titles of neighbours that are shown.
_SHOWN_TITLES = 3
# Neighbours agree on a label if at least this share of them has it.
_MAJORITY = 0.5
# Percentiles of a normal distribution at -1, 0 and +1 standard deviations.
_ONE_DEVIATION = (15.87, 50, 84.13)
# Smallest divisors, against division by zero.
_MIN_DEVIATION = 1e-6
_MIN_LENGTH = 1e-12


@dataclass(frozen=True)
class TitleSuspect:
    """A product whose title and image disagree.

    Attributes:
        id: Id of the product.
        title: Its title.
        evidence: The score: robust standard deviations above the catalog's median. Values above 3
            are rare in a clean catalog.
        fit: The cosine of title and image.
        alike: Titles of the products with the most similar images, nearest first.
        looks: Values that most products with similar images have, e.g. `{"category": "watch"}`, of
            the fields in which products with similar titles have another value.
        reads: The values that most products with similar titles have in the same fields.
    """

    id: str
    title: str
    evidence: float
    fit: float
    alike: tuple[str, ...]
    looks: dict[str, str]
    reads: dict[str, str]


@dataclass(frozen=True)
class _Neighbours:
    """For each of n products its k nearest: `[n, k]` places among the products, and cosines."""

    places: NDArray[np.int64]
    cosines: FloatArray


def check_titles(
    table: ImageTable,
    titles: Sequence[str | None],
    labels: dict[str, list[str | None]],
    encoder: Encoder,
    on_progress: Progress = lambda *_: None,
) -> list[TitleSuspect]:
    """Rank titles by their disagreement with their product's images.

    Args:
        table: The index's images; a product with several counts by their mean vector.
        titles: One for each product; None or blank if it has none.
        labels: Values of categorical fields, one for each product. They explain a disagreement in
            words, and do not affect the ranking.
        encoder: The encoder that built the index.
        on_progress: Called from time to time.

    Returns:
        The `LISTED_SHARE` of the products with a title (rounded up) with the strongest evidence,
        strongest first; an empty list if there are too few titles.
    """
    titled = np.array([n for n, title in enumerate(titles) if title and title.strip()], np.int64)
    if len(titled) < _MIN_TITLES:
        return []
    images = _product_vectors(table)[titled]
    texts = _title_vectors([str(titles[n]) for n in titled], encoder, on_progress)
    rng = np.random.default_rng(0)
    references = _sample(rng, len(titled), _REFERENCES)
    by_image = _nearest(images, references, "Comparing images", on_progress)
    by_title = _nearest(texts, references, "Comparing titles", on_progress)
    fit = _row_cosines(images, texts)
    background = _sample(rng, len(titled), _BACKGROUND)
    disagreement = (
        _robust(-_mutual_information(images, texts, fit, background, encoder.spec.logit_scale))
        + _NEIGHBOUR_WEIGHT * _robust(-_agreement(texts, by_image))
        + _NEIGHBOUR_WEIGHT * _robust(-_agreement(images, by_title))
    )
    evidence = _robust(disagreement)
    listed = np.argsort(-evidence, kind="stable")[: math.ceil(LISTED_SHARE * len(titled))]
    return [
        _suspect(table, titles, labels, titled, int(n), (evidence, fit), (by_image, by_title))
        for n in listed
    ]


def _suspect(
    table: ImageTable,
    titles: Sequence[str | None],
    labels: dict[str, list[str | None]],
    titled: NDArray[np.int64],
    place: int,
    scores: tuple[FloatArray, FloatArray],
    neighbours: tuple[_Neighbours, _Neighbours],
) -> TitleSuspect:
    by_image, by_title = (titled[found.places[place]] for found in neighbours)
    looks, reads = {}, {}
    for name, values in labels.items():
        look, read = _majority(values, by_image), _majority(values, by_title)
        if look is not None and read is not None and look != read:
            looks[name], reads[name] = look, read
    alike = dict.fromkeys(str(titles[n]) for n in by_image)
    product = int(titled[place])
    return TitleSuspect(
        id=table.product_id(product),
        title=str(titles[product]),
        evidence=round(float(scores[0][place]), 3),
        fit=round(float(scores[1][place]), 4),
        alike=tuple(alike)[:_SHOWN_TITLES],
        looks=looks,
        reads=reads,
    )


def _majority(values: Sequence[str | None], products: NDArray[np.int64]) -> str | None:
    """The value that most of some products have, if they agree on one."""
    counts = Counter(value for n in products if (value := values[n]) is not None)
    if not counts:
        return None
    value, count = counts.most_common(1)[0]
    return value if count >= _MAJORITY * len(products) else None


def _product_vectors(table: ImageTable) -> FloatArray:
    """The mean of each product's image vectors, scaled to length 1; `[products, dim]`."""
    total = np.zeros((table.products, table.index.manifest.encoder.dim), np.float32)
    for start in range(0, len(table), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(table)))
        np.add.at(total, table.product[block], table.vectors(block))
    return _unit(total)


def _title_vectors(titles: Sequence[str], encoder: Encoder, on_progress: Progress) -> FloatArray:
    """Embed titles, each distinct one once; `[n, dim]`."""
    place = {title: n for n, title in enumerate(dict.fromkeys(titles))}
    # Sorted by length: encoders that pad to the longest text of a batch have less to do.
    order = sorted(place, key=len)
    vectors = np.empty((len(place), encoder.spec.dim), np.float32)
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        vectors[[place[title] for title in batch]] = encoder.encode_texts(batch)
        on_progress("Embedding titles", start + len(batch), len(order))
    return vectors[[place[title] for title in titles]]


def _mutual_information(
    images: FloatArray,
    texts: FloatArray,
    fit: FloatArray,
    background: NDArray[np.int64],
    scale: float,
) -> FloatArray:
    """How much better title and image match each other than either matches the background."""
    others = np.empty_like(fit)
    for start in range(0, len(fit), _BLOCK):
        block = slice(start, start + _BLOCK)
        others[block] = _soft_maximum(images[block] @ texts[background].T, scale)
        others[block] += _soft_maximum(texts[block] @ images[background].T, scale)
    return 2 * fit - others


def _soft_maximum(cosines: FloatArray, scale: float) -> FloatArray:
    highest = cosines.max(1, keepdims=True)
    mean = np.exp(scale * (cosines - highest)).mean(1)
    return np.asarray(highest[:, 0] + np.log(mean) / scale, np.float32)


def _agreement(vectors: FloatArray, neighbours: _Neighbours) -> FloatArray:
    """Cosine of each vector with the weighted mean vector of its neighbours in the other space."""
    out = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = slice(start, start + _BLOCK)
        cosines = neighbours.cosines[block]
        weights = np.exp(_SHARPNESS * (cosines - cosines.max(1, keepdims=True)))
        mean = np.einsum("nk,nkd->nd", weights, vectors[neighbours.places[block]])
        out[block] = _row_cosines(_unit(mean), vectors[block])
    return out


def _nearest(
    vectors: FloatArray, references: NDArray[np.int64], step: str, on_progress: Progress
) -> _Neighbours:
    """Find each product's nearest reference products, without itself."""
    count = len(vectors)
    k = min(_NEIGHBOURS, len(references) - 1)
    places = np.empty((count, k), np.int64)
    cosines = np.empty((count, k), np.float32)
    search = BatchSearch(vectors, references, exact=True)
    for start in range(0, count, _QUERIES):
        block = np.arange(start, min(start + _QUERIES, count))
        found, near = search.search(vectors[block], k + 1)
        # Each product is left out of its own neighbours; where it is none of them, the last is.
        others = references[found] != block[:, np.newaxis]
        others[others.all(1), -1] = False
        places[block] = references[found][others].reshape(len(block), k)
        cosines[block] = near[others].reshape(len(block), k)
        on_progress(step, int(block[-1]) + 1, count)
    return _Neighbours(places, cosines)


def _sample(rng: np.random.Generator, count: int, size: int) -> NDArray[np.int64]:
    if count <= size:
        return np.arange(count)
    return np.sort(rng.choice(count, size, replace=False))


def _robust(values: FloatArray) -> FloatArray:
    """Distances from the median, in standard deviations estimated from the middle 68%."""
    low, middle, high = np.percentile(values, _ONE_DEVIATION)
    deviation = max(float(high - low) / 2, _MIN_DEVIATION)
    return np.asarray((values - middle) / deviation, np.float32)


def _row_cosines(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("nd,nd->n", first, second), np.float32)


def _unit(rows: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, _MIN_LENGTH), np.float32)
