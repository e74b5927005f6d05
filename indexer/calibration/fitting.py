"""Fitting an index's confidence: what it is asked, it knows the answers of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from embeddings import Encoder, FloatArray, encode_many_texts
from indexer.calibration.background import phrases_beside, pictures
from indexer.calibration.model import (
    PRIORS,
    Background,
    Confidence,
    Pairs,
    fit_calibration,
)
from indexer.calibration.queries import CatalogSample, named_queries, value_of, view_of
from indexer.index import Index
from indexer.storage import QueryKind

__all__ = ["HITS", "LabelledPairs", "draw_pairs", "fit_confidence"]

# Hits of a query that are looked at: what a first page shows.
HITS = 20

_BATCH = 64
_PICTURES = 400
_VIEWS = 200
_MIXED = 200
# What is not of the catalog's world counts as three sorts of its own questions, and never more than
# a third of them all.
_OTHER_WEIGHT = 900.0


@dataclass(frozen=True)
class LabelledPairs:
    """What the calibrations of one index are fit with.

    Attributes:
        pairs: By kind of query; None where the catalog has nothing to ask.
        backgrounds: By kind of query.
        same: The field of kinds, or empty.
        texts: The words of each text query, in the order of its pairs, in which those of another
            world come last.
        wanted: What a right answer to each has, field to value.
    """

    pairs: Mapping[QueryKind, Pairs | None]
    backgrounds: Mapping[QueryKind, Background]
    same: str
    texts: tuple[str, ...]
    wanted: tuple[Mapping[str, str], ...]


def fit_confidence(index: Index, encoder: Encoder) -> Confidence:
    """Fit the confidence of an index; the same index gives the same one.

    It takes about a thousand searches and as many short texts, and where the catalog has no field
    of kinds, two hundred pictures.

    Args:
        index: All that can be found.
        encoder: That made its vectors.
    """
    drawn = draw_pairs(index, encoder)
    kinds = {
        kind: fit_calibration(drawn.pairs[kind], drawn.backgrounds[kind], PRIORS[kind])
        for kind in PRIORS
    }
    return Confidence(kinds, drawn.same)


def draw_pairs(index: Index, encoder: Encoder) -> LabelledPairs:
    """Ask an index what its own catalog answers, and keep what came back."""
    return _Drawing(index, encoder).draw()


class _Drawing:
    """The questions put to one index."""

    def __init__(self, index: Index, encoder: Encoder) -> None:
        self._index = index
        self._encoder = encoder
        self._sample = CatalogSample(index)
        self._rng = np.random.default_rng(2)

    def draw(self) -> LabelledPairs:
        sample = self._sample
        asked = named_queries(sample)
        phrases = phrases_beside(text for values in sample.values.values() for text in values)
        unknown_words = self._texts(phrases)
        unknown_pictures = self._images(pictures())
        words = _Found.of(self._index, self._texts([a.text for a in asked]), QueryKind.TEXT)
        backgrounds = {
            QueryKind.TEXT: Background.of(unknown_words @ sample.searched.T),
            QueryKind.IMAGE: Background.of(unknown_pictures @ sample.searched.T),
        }
        unknown_both = _mixed(unknown_words, unknown_pictures)
        backgrounds[QueryKind.MIXED] = Background.of(unknown_both @ sample.searched.T)
        by_text = self._labelled(words, [a.wanted for a in asked], [a.weight for a in asked])
        by_image = self._by_image()
        return LabelledPairs(
            pairs={
                QueryKind.TEXT: self._with_others(by_text, unknown_words, QueryKind.TEXT),
                QueryKind.IMAGE: self._with_others(by_image, unknown_pictures, QueryKind.IMAGE),
                QueryKind.MIXED: self._with_others(self._by_both(), unknown_both, QueryKind.TEXT),
            },
            backgrounds=backgrounds,
            same=sample.kind_field,
            texts=tuple(a.text for a in asked),
            wanted=tuple(a.wanted for a in asked),
        )

    def _by_image(self) -> Pairs | None:
        """Pictures of products, for others of their kind; or views of them, for themselves."""
        sample, kind = self._sample, self._sample.kind_field
        if kind:
            rows = [i for i in range(len(sample)) if sample.values[kind][i]][:_PICTURES]
            own = [sample.places[i] for i in rows]
            found = _Found.of(self._index, sample.vectors[rows], QueryKind.IMAGE, leave=own)
            wanted = [{kind: sample.values[kind][i]} for i in rows]
            return self._labelled(found, wanted, [1.0] * len(rows))
        rows = [i for i in range(min(_VIEWS, len(sample))) if sample.thumbnail(i)]
        if not rows:
            return None
        views = self._images([view_of(sample.thumbnail(i), self._rng) for i in rows])
        found = _Found.of(self._index, views, QueryKind.IMAGE)
        right = np.array(
            [[place == sample.places[i] for place in places]
             for i, places in zip(rows, found.places, strict=True)]
        )  # fmt: skip
        return Pairs(views, found.scores, right, np.ones(len(rows)))

    def _by_both(self) -> Pairs | None:
        """A picture with a word of another product of its kind: both must hold."""
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
        found = _Found.of(self._index, vectors, QueryKind.TEXT, leave=own)
        return self._labelled(found, wanted, [1.0] * len(rows))

    def _labelled(
        self, found: _Found, wanted: Sequence[Mapping[str, str]], weights: Sequence[float]
    ) -> Pairs | None:
        if not wanted:
            return None
        right = np.ones(found.scores.shape, np.bool_)
        for name in {name for one in wanted for name in one}:
            values = found.values(self._index, name)
            for row, one in enumerate(wanted):
                if name in one:
                    right[row] &= values[row] == one[name]
        return Pairs(found.queries, found.scores, right, np.array(weights, np.float64))

    def _with_others(
        self, pairs: Pairs | None, others: FloatArray, kind: QueryKind
    ) -> Pairs | None:
        """With queries from another world, to which nothing is an answer.

        Alone they would only say that nothing is ever right: without pairs there are none.
        """
        if pairs is None:
            return None
        found = _Found.of(self._index, others, kind)
        if pairs.right.any():
            # What lies as near as right answers do is something that the catalog has after all.
            near = float(np.median(pairs.scores[pairs.right]))
            found = found.some(np.nanmax(found.scores, axis=1) < near)
        count = len(found.queries)
        if not count:
            return pairs
        wrong = np.zeros(found.scores.shape, np.bool_)
        weight = min(_OTHER_WEIGHT, pairs.weights.sum() / 3) / count
        return Pairs.join(
            [pairs, Pairs(found.queries, found.scores, wrong, np.full(count, weight))]
        )

    def _texts(self, texts: Sequence[str]) -> FloatArray:
        return encode_many_texts(self._encoder, texts)

    def _images(self, images: Sequence[Image]) -> FloatArray:
        pixels = [self._encoder.preprocess(image) for image in images]
        parts = [
            self._encoder.encode_images(np.stack(pixels[start : start + _BATCH]))
            for start in range(0, len(pixels), _BATCH)
        ]
        return np.concatenate(parts)


@dataclass(frozen=True)
class _Found:
    """What an index found.

    Attributes:
        queries: `[n, dim]`.
        scores: `[n, HITS]` cosines, NaN where there were fewer.
        places: Of each query's hits, the segment's number and the product's row; (-1, -1) for none.
    """

    queries: FloatArray
    scores: FloatArray
    places: list[list[tuple[int, int]]]

    @classmethod
    def of(
        cls,
        index: Index,
        queries: FloatArray,
        kind: QueryKind,
        leave: Sequence[tuple[int, int]] = (),
    ) -> _Found:
        """Search for each query; `leave` names a product for each that does not count."""
        scores = np.full((len(queries), HITS), np.nan, np.float32)
        places = []
        for row, query in enumerate(queries):
            best = _nearest(index, query, kind, leave[row] if leave else None)
            scores[row, : len(best)] = [score for score, _ in best]
            places.append([place for _, place in best] + [(-1, -1)] * (HITS - len(best)))
        return cls(queries, scores, places)

    def some(self, chosen: NDArray[np.bool_]) -> _Found:
        """Those of some queries."""
        places = [places for places, kept in zip(self.places, chosen, strict=True) if kept]
        return _Found(self.queries[chosen], self.scores[chosen], places)

    def values(self, index: Index, name: str) -> NDArray[np.object_]:
        """A field's values of every hit, `[n, HITS]` texts."""
        found = np.full((len(self.places), HITS), "", object)
        flat = [place for places in self.places for place in places]
        for number, segment in enumerate(index.segments):
            at = [i for i, (of, _) in enumerate(flat) if of == number]
            rows = [flat[i][1] for i in at]
            unique, back = np.unique(np.array(rows, np.int64), return_inverse=True)
            values = [value_of(v) for v in segment.field_table[name].take(unique).to_pylist()]
            for i, position in zip(at, back, strict=True):
                found[divmod(i, HITS)] = values[position]
        return found


def _nearest(
    index: Index, query: FloatArray, kind: QueryKind, leave: tuple[int, int] | None
) -> list[tuple[float, tuple[int, int]]]:
    best: dict[tuple[int, int], float] = {}
    for number, segment in enumerate(index.segments):
        scores, images = segment.neighbours.search(query, HITS + 1, segment.alive_images, kind)
        for score, image in zip(scores.tolist(), images.tolist(), strict=True):
            # Pictures come nearest first: the first of a product is its best.
            best.setdefault((number, int(segment.image_product[image])), float(score))
    if leave is not None:
        best.pop(leave, None)
    ordered = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [(score, place) for place, score in ordered[:HITS]]


def _mixed(words: FloatArray, images: FloatArray) -> FloatArray:
    count = min(len(words), len(images))
    total = words[:count] + images[:count]
    lengths = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-6)
    return np.asarray(total / lengths, np.float32)
