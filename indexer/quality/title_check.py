"""Titles that disagree with their picture, ranked by the strength of the evidence.

Two witnesses are heard. The model says how well a title and a picture fit, and is believed by how
much better they fit each other than each fits the rest of the catalog: their cosine less the soft
maximum of each one's cosines with a background of other titles and pictures (the pointwise mutual
information that CLIP's training loss maximises, Oord et al. 2018, arXiv:1807.03748; a plain cosine
favours pictures that fit everything). The catalog says what pictures like this one are called, and
what things called so look like (in the spirit of confident learning, Northcutt et al. 2021,
arXiv:1911.00068, with neighbours for a classifier): that holds where the model knows little. Which
mixture of how many others were tried is in docs/health.md.
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

__all__ = ["LISTED_SHARE", "TitleSuspect", "check_titles"]

LISTED_SHARE = 0.02
"""The share of the products with a title that is listed."""

_BATCH = 256
_BLOCK = 1024
# Titles and pictures that all are compared with; more moved no figure.
_BACKGROUND = 1500
# Products among which neighbours are looked for: keeps the time in proportion to the catalog.
_REFERENCES = 20_000
_NEIGHBOURS = 20
# How much a nearer neighbour counts for more: e to the power of this times its cosine.
_SHARPNESS = 15.0
# Below this many titles there is no telling what is usual.
_MIN_TITLES = 10
_CALLED = 3
# A label is what neighbours agree on from this share of them.
_AGREED = 0.5


@dataclass(frozen=True)
class TitleSuspect:
    """A product whose title and picture disagree.

    Attributes:
        id: The product.
        title: Its title.
        evidence: How far the disagreement is above the catalog's median, in robust standard
            deviations; above 3 is rare in an orderly catalog.
        fit: The cosine of title and picture.
        alike: Titles of the products whose pictures are most like its picture, nearest first.
        looks: What most of those products are, e.g. `{"category": "watch"}`, for the fields where
            products with such titles are something else.
        reads: What those are, by the same fields.
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
    """For each of n products, k others: `[n, k]` places among the products, and cosines."""

    places: NDArray[np.int64]
    cosines: FloatArray


def check_titles(
    table: ImageTable,
    titles: Sequence[str | None],
    labels: dict[str, list[str | None]],
    encoder: Encoder,
    on_progress: Progress = lambda what, done, total: None,
) -> list[TitleSuspect]:
    """Rank titles by how much they disagree with their product's pictures.

    Args:
        table: The index's pictures; a product with several is judged by their mean vector.
        titles: Of every product; None or empty for products without.
        labels: Values of fields with few different ones, by product; used only to say in words what
            disagrees, never to rank.
        encoder: The one that built the index.
        on_progress: Called now and then.

    Returns:
        The `LISTED_SHARE` of the products with a title (rounded up) with the strongest evidence,
        strongest first; none where there are too few titles to tell what is usual.
    """
    titled = np.array([n for n, title in enumerate(titles) if title and title.strip()], np.int64)
    if len(titled) < _MIN_TITLES:
        return []
    pictures = _product_vectors(table)[titled]
    words = _title_vectors([str(titles[n]) for n in titled], encoder, on_progress)
    rng = np.random.default_rng(0)
    references = _sample(rng, len(titled), _REFERENCES)
    by_picture = _nearest(pictures, references, "Comparing pictures", on_progress)
    by_words = _nearest(words, references, "Comparing titles", on_progress)
    fit = _row_cosines(pictures, words)
    background = _sample(rng, len(titled), _BACKGROUND)
    disagreement = (
        _robust(-_margin(pictures, words, fit, background, encoder.spec.logit_scale))
        + 0.5 * _robust(-_agreement(words, by_picture))
        + 0.5 * _robust(-_agreement(pictures, by_words))
    )
    evidence = _robust(disagreement)
    listed = np.argsort(-evidence, kind="stable")[: math.ceil(LISTED_SHARE * len(titled))]
    return [
        _suspect(table, titles, labels, titled, int(n), (evidence, fit), (by_picture, by_words))
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
    looking, called = (titled[found.places[place]] for found in neighbours)
    looks, reads = {}, {}
    for name, values in labels.items():
        seen, said = _agreed(values, looking), _agreed(values, called)
        if seen is not None and said is not None and seen != said:
            looks[name], reads[name] = seen, said
    alike = dict.fromkeys(str(titles[n]) for n in looking)
    product = int(titled[place])
    return TitleSuspect(
        id=table.product_id(product),
        title=str(titles[product]),
        evidence=round(float(scores[0][place]), 3),
        fit=round(float(scores[1][place]), 4),
        alike=tuple(alike)[:_CALLED],
        looks=looks,
        reads=reads,
    )


def _agreed(values: Sequence[str | None], products: NDArray[np.int64]) -> str | None:
    counts = Counter(value for n in products if (value := values[n]) is not None)
    if not counts:
        return None
    value, count = counts.most_common(1)[0]
    return value if count >= _AGREED * len(products) else None


def _product_vectors(table: ImageTable) -> FloatArray:
    """The mean of each product's picture vectors, of length 1; `[products, dim]`."""
    total = np.zeros((table.products, table.index.manifest.encoder.dim), np.float32)
    for start in range(0, len(table), _BLOCK):
        some = np.arange(start, min(start + _BLOCK, len(table)))
        np.add.at(total, table.product[some], table.vectors(some))
    return _unit(total)


def _title_vectors(titles: Sequence[str], encoder: Encoder, on_progress: Progress) -> FloatArray:
    """`[n, dim]`; equal titles are embedded once."""
    place = {title: n for n, title in enumerate(dict.fromkeys(titles))}
    # Of like length together: encoders that pad to the longest of a batch have less to do.
    order = sorted(place, key=len)
    vectors = np.empty((len(place), encoder.spec.dim), np.float32)
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        vectors[[place[title] for title in batch]] = encoder.encode_texts(batch)
        on_progress("Reading the titles", start + len(batch), len(order))
    return vectors[[place[title] for title in titles]]


def _margin(
    pictures: FloatArray,
    words: FloatArray,
    fit: FloatArray,
    background: NDArray[np.int64],
    scale: float,
) -> FloatArray:
    """How much better a title and its picture fit each other than either fits the others."""
    others = np.empty_like(fit)
    for start in range(0, len(fit), _BLOCK):
        some = slice(start, start + _BLOCK)
        others[some] = _soft_maximum(pictures[some] @ words[background].T, scale)
        others[some] += _soft_maximum(words[some] @ pictures[background].T, scale)
    return 2 * fit - others


def _soft_maximum(cosines: FloatArray, scale: float) -> FloatArray:
    highest = cosines.max(1, keepdims=True)
    mean = np.exp(scale * (cosines - highest)).mean(1)
    return np.asarray(highest[:, 0] + np.log(mean) / scale, np.float32)


def _agreement(vectors: FloatArray, neighbours: _Neighbours) -> FloatArray:
    """Cosine of each vector with the mean of its neighbours' (who are so in the other space)."""
    out = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        some = slice(start, start + _BLOCK)
        cosines = neighbours.cosines[some]
        weights = np.exp(_SHARPNESS * (cosines - cosines.max(1, keepdims=True)))
        mean = np.einsum("nk,nkd->nd", weights, vectors[neighbours.places[some]])
        out[some] = _row_cosines(_unit(mean), vectors[some])
    return out


def _nearest(
    vectors: FloatArray, references: NDArray[np.int64], what: str, on_progress: Progress
) -> _Neighbours:
    """The nearest of the reference products to each, itself left out."""
    count = len(vectors)
    among = vectors[references]
    k = min(_NEIGHBOURS, len(references) - 1)
    places = np.empty((count, k), np.int64)
    cosines = np.empty((count, k), np.float32)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        scores = vectors[start:stop] @ among.T
        own = np.searchsorted(references, np.arange(start, stop))
        there = references[np.minimum(own, len(references) - 1)] == np.arange(start, stop)
        scores[np.flatnonzero(there), own[there]] = -np.inf
        top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(scores, top, 1)
        order = np.argsort(-near, axis=1, kind="stable")
        places[start:stop] = references[np.take_along_axis(top, order, 1)]
        cosines[start:stop] = np.take_along_axis(near, order, 1)
        on_progress(what, stop, count)
    return _Neighbours(places, cosines)


def _sample(rng: np.random.Generator, count: int, size: int) -> NDArray[np.int64]:
    if count <= size:
        return np.arange(count)
    return np.sort(rng.choice(count, size, replace=False))


def _robust(values: FloatArray) -> FloatArray:
    """Distances from the median in standard deviations, told by the middle 68%."""
    low, middle, high = np.percentile(values, (15.87, 50, 84.13))
    return np.asarray((values - middle) / max(float(high - low) / 2, 1e-6), np.float32)


def _row_cosines(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("nd,nd->n", first, second), np.float32)


def _unit(rows: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
