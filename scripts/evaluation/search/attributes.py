"""Queries such as "navy blue men's casual shirt": hits of the type, colour and gender together.

A query is made of every combination of type, colour and gender that at least ten products have,
with the usage that most of them have. Judged among the held-back tenth, where `compact` saw none
of the products, and among all.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from indexer.evaluation import Estimate, LabelledQuery, figures_of, judge
from indexer.search import Engine, Query
from scripts.evaluation.search.setting import Setting, Shelf
from scripts.support.measuring import Measure
from scripts.training.data.vocabulary import TYPE_NAMES, singular

__all__ = ["ASKED", "ATTRIBUTES", "LEAST", "attribute_queries", "measure"]

ATTRIBUTES = ("article_type", "base_colour", "gender")
LEAST = 10
_NAME = (
    'attribute query ("navy blue men\'s casual shirt"), precision@10 on type, colour and gender '
    "together"
)
_TARGET = 0.60

# How a search is asked; whoever measures another mode replaces it.
ASKED = Query(parts=(), k=10)

_GENDERS = {"Men": "men's", "Women": "women's", "Boys": "boys'", "Girls": "girls'"}


def attribute_queries(shelf: Shelf, limit: int | None = None) -> list[LabelledQuery]:
    """A query for each frequent combination of type, colour and gender, in alphabetical order."""
    columns = [shelf.columns[name] for name in ATTRIBUTES]
    usages: dict[tuple[str, ...], Counter[str]] = {}
    for *values, usage in zip(*columns, shelf.columns["usage"], strict=True):
        usages.setdefault(tuple(values), Counter())[usage] += 1
    frequent = sorted(
        values
        for values, counts in usages.items()
        if counts.total() >= LEAST and all(value not in ("", "NA") for value in values)
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
    usage = "" if usage in ("", "NA") or usage.split()[0] in kind else usage.lower()
    words = (colour.lower(), _GENDERS.get(gender, gender.lower()), usage, name)
    return " ".join(word for word in words if word)


def _precision(
    engine: Engine, queries: list[LabelledQuery], labels: tuple[str, ...] = ATTRIBUTES
) -> Estimate:
    asked = [
        LabelledQuery(
            query.line, query.text, None, labels={name: query.labels[name] for name in labels}
        )
        for query in queries
    ]
    (found,), _ = judge([engine], asked, ASKED)
    return figures_of(found, ASKED.k).overall.metrics[f"precision@{ASKED.k}"]


def measure(setting: Setting) -> list[Measure]:
    """Precision@10 on all three attributes and on each alone; held back, then over everything."""
    measures = []
    for where, shelf in (("held-back tenth", setting.held), ("all products", setting.everything)):
        engine = Engine(setting.encoder, shelf.index)
        queries = attribute_queries(shelf, setting.limit)
        together = _precision(engine, queries)
        held = shelf is setting.held
        note = f"{len(queries)} queries, 95% {together.low:.3f} to {together.high:.3f}"
        measures.append(
            Measure(
                _NAME if held else f"attribute query, {where}, together",
                together.value,
                _TARGET if held else None,
                reason=note,
            )
        )
        measures += [
            Measure(f"attribute query, {where}, {name}", _precision(engine, queries, (name,)).value)
            for name in ATTRIBUTES
        ]
    return measures
