"""Fitting of an index's confidence, from queries whose answers its own catalog knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL.Image import Image

from embeddings import Encoder, FloatArray, encode_image_rows, encode_many_texts
from indexer.calibration.background import unrelated_images, unrelated_phrases
from indexer.calibration.hits import Hits
from indexer.calibration.model import PRIORS, Background, Confidence
from indexer.calibration.queries import CatalogSample, named_queries, view_of
from indexer.calibration.regression import Pairs, fit_calibration
from indexer.index import Index
from indexer.storage import QueryKind

__all__ = ["LabelledPairs", "draw_pairs", "fit_confidence"]

# Images embedded at once.
_BATCH = 64
# Queries of each kind: products as queries, distorted views of products, and images with a word.
_PRODUCTS = 400
_VIEWS = 200
_MIXED = 200
# Total weight of queries that are unrelated to the catalog: that of three sorts of its own queries
# (each weighs as much as its 300 values), and at most a third of the own queries' weight.
_UNRELATED_WEIGHT = 900.0
_UNRELATED_SHARE = 1 / 3
# Keeps the division finite where a text and an image cancel each other out.
_MIN_LENGTH = 1e-6


@dataclass(frozen=True)
class LabelledPairs:
    """What the calibrations of one index are fitted to.

    Attributes:
        pairs: By kind of query; None where the catalog offers no queries.
        backgrounds: By kind of query.
        same: The field of product kinds, or empty.
        texts: The text of each text query, in the order of its pairs. Queries that are unrelated to
            the catalog come after them in the pairs, without a text here.
        wanted: For each text, what a right answer has: field to value.
    """

    pairs: Mapping[QueryKind, Pairs | None]
    backgrounds: Mapping[QueryKind, Background]
    same: str
    texts: tuple[str, ...]
    wanted: tuple[Mapping[str, str], ...]


def fit_confidence(index: Index, encoder: Encoder) -> Confidence:
    """Fit the confidence of an index; the same index gives the same confidence.

    It takes about a thousand searches and as many short texts to embed. Where the catalog has no
    field of product kinds, it also takes two hundred images to embed.

    Args:
        index: The index.
        encoder: The encoder that built it.
    """
    drawn = draw_pairs(index, encoder)
    kinds = {
        kind: fit_calibration(drawn.pairs[kind], drawn.backgrounds[kind], PRIORS[kind])
        for kind in PRIORS
    }
    return Confidence(kinds, drawn.same)


def draw_pairs(index: Index, encoder: Encoder) -> LabelledPairs:
    """Search an index with queries from its own catalog, and label the hits."""
    return _PairDrawing(index, encoder).draw()


class _PairDrawing:
    """The queries of one index, their hits and labels."""

    def __init__(self, index: Index, encoder: Encoder) -> None:
        self._index = index
        self._encoder = encoder
        self._sample = CatalogSample(index)
        self._rng = np.random.default_rng(2)

    def draw(self) -> LabelledPairs:
        sample = self._sample
        queries = named_queries(sample)
        phrases = unrelated_phrases(text for values in sample.values.values() for text in values)
        texts, images = self._texts(phrases), self._images(unrelated_images())
        unrelated = {
            QueryKind.TEXT: texts,
            QueryKind.IMAGE: images,
            QueryKind.MIXED: _mixed(texts, images),
        }
        hits = Hits.of(self._index, self._texts([q.text for q in queries]), QueryKind.TEXT)
        related = {
            QueryKind.TEXT: self._labelled(
                hits, [q.wanted for q in queries], [q.weight for q in queries]
            ),
            QueryKind.IMAGE: self._by_image(),
            QueryKind.MIXED: self._by_both(),
        }
        return LabelledPairs(
            pairs={
                kind: self._with_unrelated(pairs, unrelated[kind], kind)
                for kind, pairs in related.items()
            },
            backgrounds={
                kind: Background.of(vectors @ sample.searched.T)
                for kind, vectors in unrelated.items()
            },
            same=sample.kind_field,
            texts=tuple(q.text for q in queries),
            wanted=tuple(q.wanted for q in queries),
        )

    def _by_image(self) -> Pairs | None:
        """Search by products for others of their kind; or by views of products for themselves."""
        sample, kind = self._sample, self._sample.kind_field
        if kind:
            rows = [i for i in range(len(sample)) if sample.values[kind][i]][:_PRODUCTS]
            own = [sample.places[i] for i in rows]
            hits = Hits.of(self._index, sample.vectors[rows], QueryKind.IMAGE, exclude=own)
            wanted = [{kind: sample.values[kind][i]} for i in rows]
            return self._labelled(hits, wanted, [1.0] * len(rows))
        rows = [i for i in range(min(_VIEWS, len(sample))) if sample.thumbnail(i)]
        if not rows:
            return None
        views = self._images([view_of(sample.thumbnail(i), self._rng) for i in rows])
        hits = Hits.of(self._index, views, QueryKind.IMAGE)
        labels = np.array(
            [[place == sample.places[i] for place in places]
             for i, places in zip(rows, hits.places, strict=True)]
        )  # fmt: skip
        return Pairs(views, hits.scores, labels, np.ones(len(rows)))

    def _by_both(self) -> Pairs | None:
        """Search by a product's image and a word of another of its kind: hits must match both."""
        sample, kind = self._sample, self._sample.kind_field
        if not kind:
            return None
        values = sample.values
        others = [name for name in sample.labels if name != kind] or [kind]
        peers: dict[str, list[int]] = {}
        for number, value in enumerate(values[kind]):
            peers.setdefault(value, []).append(number)
        rows, texts, wanted = [], [], []
        for number in range(min(_MIXED, len(sample))):
            other = int(self._rng.choice(peers[values[kind][number]]))
            name = str(self._rng.choice(others))
            if values[kind][number] and values[name][other]:
                rows.append(number)
                texts.append(values[name][other])
                wanted.append({kind: values[kind][number], name: values[name][other]})
        if not rows:
            return None
        vectors = _mixed(self._texts(texts), sample.vectors[rows])
        own = [sample.places[i] for i in rows]
        hits = Hits.of(self._index, vectors, QueryKind.MIXED, exclude=own)
        return self._labelled(hits, wanted, [1.0] * len(rows))

    def _labelled(
        self, hits: Hits, wanted: Sequence[Mapping[str, str]], weights: Sequence[float]
    ) -> Pairs | None:
        """Label as right the hits that have all wanted values of their query."""
        if not wanted:
            return None
        labels = np.ones(hits.scores.shape, np.bool_)
        for name in {name for one in wanted for name in one}:
            values = hits.values(self._index, name)
            for row, one in enumerate(wanted):
                if name in one:
                    labels[row] &= values[row] == one[name]
        return Pairs(hits.queries, hits.scores, labels, np.array(weights, np.float64))

    def _with_unrelated(
        self, pairs: Pairs | None, unrelated: FloatArray, kind: QueryKind
    ) -> Pairs | None:
        """Add queries that are unrelated to the catalog, whose hits are all wrong.

        Without pairs none are added: alone they would say that no hit is ever right.
        """
        if pairs is None:
            return None
        hits = Hits.of(self._index, unrelated, kind)
        if pairs.labels.any():
            # A query whose hits are as near as right answers is in the catalog after all.
            near = float(np.median(pairs.scores[pairs.labels]))
            hits = hits.some(np.nanmax(hits.scores, axis=1) < near)
        count = len(hits.queries)
        if not count:
            return pairs
        labels = np.zeros(hits.scores.shape, np.bool_)
        weight = min(_UNRELATED_WEIGHT, _UNRELATED_SHARE * pairs.weights.sum()) / count
        return Pairs.join([pairs, Pairs(hits.queries, hits.scores, labels, np.full(count, weight))])

    def _texts(self, texts: Sequence[str]) -> FloatArray:
        return encode_many_texts(self._encoder, texts)

    def _images(self, images: Sequence[Image]) -> FloatArray:
        pixels = [self._encoder.preprocess(image) for image in images]
        parts = [
            encode_image_rows(self._encoder, np.stack(pixels[start : start + _BATCH]))
            for start in range(0, len(pixels), _BATCH)
        ]
        rows, dim = np.concatenate(parts), self._encoder.spec.dim
        return self._index.adapted(rows[:, :dim], rows[:, dim:])


def _mixed(texts: FloatArray, images: FloatArray) -> FloatArray:
    """Return unit vectors of texts and images together, pair by pair."""
    count = min(len(texts), len(images))
    total = texts[:count] + images[:count]
    lengths = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), _MIN_LENGTH)
    return np.asarray(total / lengths, np.float32)
