"""Whether confidence is honest: on labels, words and pictures that the fit did not see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings import Encoder, FloatArray
from embeddings.images import open_image
from indexer.build import BuildOptions, build_index
from indexer.calibration import (
    HITS,
    PRIORS,
    Calibration,
    LabelledPairs,
    draw_pairs,
    fit_calibration,
    value_of,
)
from indexer.index import Index, Match
from indexer.storage import QueryKind
from scripts.evaluation.search.calibration import background as otherworldly
from scripts.evaluation.search.calibration.reliability import (
    Judged,
    adaptive_ece,
    auroc,
    ece,
    write_diagram,
)
from scripts.evaluation.search.catalogs import write_catalogs
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GENERAL,
    GROCERY_PHOTOS,
    read_pictures,
    read_rows,
)

__all__ = ["calibration_measures"]

ECE_TARGET = 0.05
# No hit of a query from another world is to be surer than this.
OTHER_WORLD_TARGET = 0.5

_FOLDS = 5
_TITLES = 400

Right = Callable[[Match], bool]


class Fit(StrEnum):
    """How confidence is fit: as a build does it, or with less, to compare."""

    WHOLE = "whole"
    COSINE = "cosine"  # nothing said by the query's own vector: Platt's calibration
    PRIOR = "prior"  # nothing known of the catalog but its background


@dataclass(frozen=True)
class Question:
    """A query of the evaluation.

    Attributes:
        vector: `[dim]`.
        right: Whether a hit is what was asked for.
        fold: Which part of the fit's queries must not be used, since they ask for the same.
    """

    vector: FloatArray
    right: Right
    fold: int = -1


@dataclass(frozen=True)
class Asker:
    """An index with what its confidence is fit with, and the encoder."""

    index: Index
    encoder: Encoder
    drawn: LabelledPairs

    @classmethod
    def open(cls, path: Path, encoder: Encoder) -> Asker:
        """Of a built index."""
        index = Index.open(path)
        return cls(index, encoder, draw_pairs(index, encoder))

    def calibration(
        self, kind: QueryKind, kept: NDArray[np.bool_] | None = None, fit: Fit = Fit.WHOLE
    ) -> Calibration:
        """Fit it; with `kept`, without some of the catalog's text queries."""
        pairs = None if fit is Fit.PRIOR else self.drawn.pairs[kind]
        if kept is not None and pairs is not None:
            others = np.ones(len(pairs) - len(kept), np.bool_)
            pairs = pairs.some(np.concatenate([kept, others]))
        if pairs is not None and fit is Fit.COSINE:
            pairs = replace(pairs, queries=np.zeros_like(pairs.queries))
        return fit_calibration(pairs, self.drawn.backgrounds[kind], PRIORS[kind])

    def judge(self, kind: QueryKind, questions: Sequence[Question], fit: Fit = Fit.WHOLE) -> Judged:
        """Ask, and hold what confidence said against what was right.

        It is fit anew for each fold of text queries, without the catalog's own of the same words.
        """
        folds = kind is QueryKind.TEXT
        fitted = {
            fold: self.calibration(kind, self._others_than(fold) if folds else None, fit)
            for fold in {question.fold for question in questions}
        }
        said, true = [], []
        for question in questions:
            hits = self.index.search(question.vector, HITS)
            scores = np.array([hit.score for hit in hits])
            said.append(fitted[question.fold].of(question.vector, scores))
            true.append(np.array([question.right(hit) for hit in hits]))
        return Judged.of(said, true)

    def _others_than(self, fold: int) -> NDArray[np.bool_]:
        """The catalog's queries that ask for nothing of a fold."""
        return np.array(
            [
                all(fold_of(value) != fold for value in (text, *wanted.values()))
                for text, wanted in zip(self.drawn.texts, self.drawn.wanted, strict=True)
            ]
        )

    def surest(self, kind: QueryKind, vectors: FloatArray) -> NDArray[np.float64]:
        """The confidence of the best hit of each query."""
        calibration = self.calibration(kind)
        best = [self.index.search(vector, 1)[0].score for vector in vectors]
        return np.array(
            [calibration.of(v, np.array([s]))[0] for v, s in zip(vectors, best, strict=True)]
        )


def fold_of(value: str) -> int:
    """The fold of a field's value or of a query's words."""
    return hashlib.sha256(value.encode()).digest()[0] % _FOLDS


def calibration_measures(
    data: Path, cache: Path, encoder: Encoder, diagrams: Path | None = None
) -> list[Measure]:
    """All figures of confidence.

    Args:
        data: The folder of shared catalogs.
        cache: Where catalogs and indexes of this evaluation are kept between runs.
        encoder: What is measured.
        diagrams: Where the reliability diagrams go; None for nowhere.
    """
    write_catalogs(data, cache / "catalogs")
    askers = {}
    for catalog in sorted((cache / "catalogs").glob("*.parquet")):
        build_index(catalog, cache / catalog.stem, encoder, BuildOptions(workers=1))
        askers[catalog.stem] = Asker.open(cache / catalog.stem, encoder)
    measures = []
    for kind, ask in ((QueryKind.TEXT, _text_sets), (QueryKind.IMAGE, _image_sets)):
        sets = ask(data, askers, Fit.WHOLE)
        pooled = Judged.join(list(sets.values()))
        measures.append(Measure(f"confidence_ece_{kind}", ece(pooled), ECE_TARGET, "lower"))
        measures.append(_lower(f"adaptive_ece_{kind}", adaptive_ece(pooled)))
        measures += [_lower(f"ece_{kind}_{name}", ece(judged)) for name, judged in sets.items()]
        measures += [
            _lower(f"ece_{kind}_{name}_first", ece(judged.first())) for name, judged in sets.items()
        ]
        for fit in (Fit.COSINE, Fit.PRIOR):
            less = ask(data, askers, fit)
            measures += [
                _lower(f"ece_{kind}_{name}_{fit}", ece(found)) for name, found in less.items()
            ]
        if diagrams is not None:
            title = f"Reliability of confidence, {kind} queries, top {HITS} hits"
            write_diagram(diagrams / f"confidence-{kind}.svg", title, sets)
    return [*measures, *_sorts(askers), *_other_world(data, askers, encoder)]


def _lower(name: str, value: float) -> Measure:
    return Measure(f"confidence_{name}", value, better="lower")


def _text_sets(data: Path, askers: dict[str, Asker], fit: Fit) -> dict[str, Judged]:
    fashion, photos, clothing = (askers[name] for name in ("fashion", "photos", "clothing"))
    return {
        "fashion": Judged.join(
            [
                fashion.judge(QueryKind.TEXT, by_field(fashion, name), fit)
                for name in ("article_type", "base_colour", "title")
            ]
        ),
        "grocery": photos.judge(QueryKind.TEXT, _by_product(photos), fit),
        "clothing": clothing.judge(QueryKind.TEXT, by_field(clothing, "category"), fit),
    }


def _sorts(askers: dict[str, Asker]) -> list[Measure]:
    """The sorts of fashion's text queries apart."""
    fashion = askers["fashion"]
    return [
        _lower(f"ece_text_{name}", ece(fashion.judge(QueryKind.TEXT, by_field(fashion, name))))
        for name in ("article_type", "base_colour", "title")
    ]


def by_field(asker: Asker, name: str) -> list[Question]:
    """A query for each value of a field; right is what has the value."""
    values = [value_of(v) for s in asker.index.segments for v in s.field_table[name].to_pylist()]
    rng = np.random.default_rng(3)
    distinct = sorted(set(values) - {""})
    if len(distinct) > _TITLES:
        distinct = [distinct[i] for i in sorted(rng.choice(len(distinct), _TITLES, replace=False))]

    def has(value: str) -> Right:
        return lambda hit: value_of(hit.fields.get(name)) == value

    vectors = _embed(asker.encoder, distinct)
    return [
        Question(vector, has(value), fold_of(value))
        for value, vector in zip(distinct, vectors, strict=True)
    ]


def _by_product(photos: Asker) -> list[Question]:
    """Names and descriptions of groceries; right is a photo of the product."""
    return [*by_field(photos, "name"), *by_field(photos, "description")]


def _image_sets(data: Path, askers: dict[str, Asker], fit: Fit) -> dict[str, Judged]:
    fashion, photos, clothing = (
        read_rows(data, name) for name in (FASHION, GROCERY_PHOTOS, CLOTHING)
    )

    def same(asker: Asker, rows: NDArray[np.int64], vectors: FloatArray, name: str) -> Judged:
        columns = (fashion if name == "article_type" else clothing).columns[name]

        def has(value: str) -> Right:
            return lambda hit: value_of(hit.fields.get(name)) == value

        questions = [
            Question(vector, has(value_of(columns[row])))
            for row, vector in zip(rows, vectors, strict=True)
        ]
        return asker.judge(QueryKind.IMAGE, questions, fit)

    def is_product(product: str) -> Right:
        return lambda hit: hit.id == product

    ids = photos.columns["product_id"]
    packshots = [
        Question(vector, is_product(ids[row]))
        for row, vector in zip(
            photos.held, _vectors(askers["photos"], photos.columns["id"], photos.held), strict=True
        )
    ]
    halves = []
    for half in (0, 1):
        rows = clothing.held[1 - half :: 2]
        vectors = _vectors(askers["clothing"], clothing.columns["id"], rows)
        halves.append(same(askers[f"clothing-{half}"], rows, vectors, "category"))
    rows = fashion.held[1::2][:600]
    vectors = _vectors(askers["fashion"], fashion.columns["id"], rows)
    return {
        "grocery": askers["packshots"].judge(QueryKind.IMAGE, packshots, fit),
        "clothing": Judged.join(halves),
        "fashion": same(askers["fashion-half"], rows, vectors, "article_type"),
    }


def _other_world(data: Path, askers: dict[str, Asker], encoder: Encoder) -> list[Measure]:
    fashion = askers["fashion"]
    words = fashion.surest(QueryKind.TEXT, _embed(encoder, otherworldly.TEXTS))
    drawn = fashion.surest(QueryKind.IMAGE, _embed_images(encoder, otherworldly.pictures()))
    labels = read_rows(data, GENERAL).columns["label"]
    foreign = [row for row, label in enumerate(labels) if label not in otherworldly.WORN]
    shots = list(read_pictures(data, GENERAL))
    photos = fashion.surest(
        QueryKind.IMAGE, _embed_images(encoder, [open_image(shots[row]) for row in foreign])
    )
    known = np.array([q.vector for q in by_field(fashion, "article_type")])
    seen = _vectors_of(fashion, 400)
    own = fashion.surest(QueryKind.TEXT, known)
    own_photos = askers["fashion-half"].surest(QueryKind.IMAGE, seen)
    bridge = fashion.surest(QueryKind.TEXT, _embed(encoder, ["suspension bridge"]))
    highest = {
        "suspension_bridge": bridge,
        "other_world_texts_max": words,
        "no_pictures_max": drawn,
    }
    return [
        *(
            Measure(f"confidence_{name}", float(found.max()), OTHER_WORLD_TARGET, "lower")
            for name, found in highest.items()
        ),
        _above_half("other_world_texts", words),
        _above_half("general_photos", photos),
        Measure("confidence_auroc_texts", auroc(own, words)),
        Measure("confidence_auroc_photos", auroc(own_photos, photos)),
    ]


def _above_half(name: str, found: NDArray[np.float64]) -> Measure:
    return _lower(f"{name}_above_half", float((found > OTHER_WORLD_TARGET).mean()))


def _vectors_of(asker: Asker, count: int) -> FloatArray:
    """Of products on the odd places of the catalog, which the half's index lacks."""
    (segment,) = asker.index.segments
    rows = range(1, segment.products, 2)[:count]
    return np.array([segment.vectors[segment.image_rows(row).start] for row in rows], np.float32)


def _vectors(asker: Asker, ids: Sequence[str], rows: NDArray[np.int64]) -> FloatArray:
    return np.array([asker.index.vector(ids[row]) for row in rows], np.float32)


def _embed(encoder: Encoder, texts: Sequence[str]) -> FloatArray:
    parts = [encoder.encode_texts(texts[at : at + 64]) for at in range(0, len(texts), 64)]
    return np.concatenate(parts)


def _embed_images(encoder: Encoder, images: Sequence[Image.Image]) -> FloatArray:
    parts = [
        encoder.encode_images(np.stack([encoder.preprocess(i) for i in images[at : at + 64]]))
        for at in range(0, len(images), 64)
    ]
    return np.concatenate(parts)
