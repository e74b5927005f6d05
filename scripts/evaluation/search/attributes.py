"""Attribute queries, such as "navy blue men's casual shirt": precision on all attributes together.

There is a query for every combination of type, colour and gender that at least ten products have,
with the usage that most of them have. They are searched for among the held-back tenth, whose
products `compact` never saw, and among all products.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from embeddings import encode_many_texts
from indexer.evaluation import LabelledQuery, metric_breakdown, run_queries
from indexer.search import Engine, Query
from scripts.docs.figures import Grid, Listing
from scripts.evaluation.search.setting import IndexedCatalog, Setting
from scripts.support.measuring import Measure
from scripts.training.data.vocabulary import TYPE_NAMES, singular

__all__ = ["ATTRIBUTES", "TABLES", "K", "attribute_queries", "measure"]

ATTRIBUTES = ("article_type", "base_colour", "gender")
K = 10
# Products of a combination that it takes to fill the first ten places.
_LEAST = 10
_NAME = (
    'attribute query ("navy blue men\'s casual shirt"), precision@10 on type, colour and gender '
    "together"
)
_TARGET = 0.60
_GENDERS = {"Men": "men's", "Women": "women's", "Boys": "boys'", "Girls": "girls'"}
_UNKNOWN = ("", "NA")

TABLES = (
    Listing({_NAME: "type, colour and gender together, held-back tenth"}),
    Grid(
        "attribute query, {column}, {row}",
        {
            "together": "type, colour and gender together",
            "together, pictures alone": "the same, titles not in the vectors",
            "article_type": "type",
            "base_colour": "colour",
            "gender": "gender",
        },
        {"held-back tenth": "held-back tenth", "all products": "all products"},
        "precision@10",
    ),
)


def attribute_queries(catalog: IndexedCatalog, limit: int | None = None) -> list[LabelledQuery]:
    """Return a query for each frequent combination of attributes, in alphabetical order."""
    columns = [catalog.columns[name] for name in ATTRIBUTES]
    usages: dict[tuple[str, str, str], Counter[str]] = {}
    for kind, colour, gender, usage in zip(*columns, catalog.columns["usage"], strict=True):
        usages.setdefault((kind, colour, gender), Counter())[usage] += 1
    frequent = sorted(
        values
        for values, counts in usages.items()
        if counts.total() >= _LEAST and all(value not in _UNKNOWN for value in values)
    )
    if limit is not None and limit < len(frequent):
        chosen = np.random.default_rng(0).choice(len(frequent), limit, replace=False)
        frequent = [frequent[at] for at in sorted(chosen)]
    return [
        LabelledQuery(
            line,
            _phrase(*values, usages[values].most_common(1)[0][0]),
            None,
            labels=dict(zip(ATTRIBUTES, values, strict=True)),
        )
        for line, values in enumerate(frequent, start=1)
    ]


def _phrase(kind: str, colour: str, gender: str, usage: str) -> str:
    name = TYPE_NAMES.get(kind, (singular(kind),))[0].lower()
    usage = "" if usage in _UNKNOWN or usage.split(maxsplit=1)[0] in kind else usage.lower()
    words = (colour.lower(), _GENDERS.get(gender, gender.lower()), usage, name)
    return " ".join(word for word in words if word)


def _precision_of_images(
    catalog: IndexedCatalog, queries: list[LabelledQuery], setting: Setting
) -> NDArray[np.float64]:
    """Return precision@10 of each query among the images' own vectors, titles left out."""
    vectors = encode_many_texts(setting.encoder, [str(query.text) for query in queries])
    best = np.argsort(-(vectors @ catalog.vectors.T), axis=1, kind="stable")[:, :K]
    right = np.array([catalog.having(query.labels) for query in queries])
    return np.asarray(np.take_along_axis(right, best, 1).mean(axis=1), np.float64)


def _precision(
    name: str,
    engine: Engine,
    queries: list[LabelledQuery],
    labels: tuple[str, ...] = ATTRIBUTES,
    target: float | None = None,
) -> Measure:
    """Measure precision@10 of searches, where a hit is right that has some of the labels."""
    judged = [
        LabelledQuery(
            query.line, query.text, None, labels={label: query.labels[label] for label in labels}
        )
        for query in queries
    ]
    (found,), _ = run_queries([engine], judged, Query(parts=(), k=K))
    estimate = metric_breakdown(found, K).overall.metrics[f"precision@{K}"]
    interval = (estimate.low, estimate.high)
    note = f"{len(queries)} queries"
    return Measure(name, estimate.value, target, interval=interval, note=note)


def measure(setting: Setting) -> list[Measure]:
    """Measure precision@10 on all three attributes and on each alone."""
    measures = []
    for where, catalog in (("held-back tenth", setting.held), ("all products", setting.everything)):
        engine = Engine(setting.encoder, catalog.index)
        queries = attribute_queries(catalog, setting.limit)
        name = f"attribute query, {where}"
        if catalog is setting.held:
            measures.append(_precision(_NAME, engine, queries, target=_TARGET))
        alone = _precision_of_images(catalog, queries, setting)
        measures += [
            _precision(f"{name}, together", engine, queries),
            Measure.mean(f"{name}, together, pictures alone", alone.tolist()),
            *(_precision(f"{name}, {each}", engine, queries, (each,)) for each in ATTRIBUTES),
        ]
    return measures
