"""Sets of prompts compared, by kind of label: which words around a label find its pictures best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from scripts.evaluation.compact.measures import Floats, TextEncoder, label_vectors, top_one
from scripts.training.data.captions import looks
from scripts.training.data.catalogs import CLOTHING, FASHION, SetRows
from scripts.training.data.vocabulary import LABEL_TEMPLATES

__all__ = ["PROMPTS", "compare_prompts"]

_GENERAL = {
    "bare": ("{}",),
    "photo": ("a photo of a {}",),
    "bare and photo": ("{}", "a photo of a {}", "a product photo of {}"),
    "all of training": LABEL_TEMPLATES,
}
# Kind of label to sets of templates by name.
PROMPTS: dict[str, dict[str, tuple[str, ...]]] = {
    "type": _GENERAL,
    "colour": _GENERAL
    | {
        "item": ("{} item", "{}"),
        "colour": ("{} colour", "something {}", "{}"),
        "clothing": ("{} clothing",),
    },
    "gender": _GENERAL | {"for": ("for {}", "{}"), "fashion": ("{} fashion", "for {}", "{}")},
    "season": _GENERAL | {"item": ("{} item",), "wear": ("{} wear", "for {}", "{} item")},
    "usage": _GENERAL | {"item": ("{} item",), "wear": ("{} wear", "{} item", "{}")},
    "pattern": _GENERAL | {"pattern": ("{} pattern", "{}"), "item": ("{} item", "{}")},
    "clothing": _GENERAL,
}
_COLUMNS = {
    "type": "article_type",
    "colour": "base_colour",
    "gender": "gender",
    "season": "season",
    "usage": "usage",
}
# A word of titles counts as a pattern where at least so many of the held-back ones begin with it.
_LEAST = 15


def _labelled(rows: dict[str, SetRows]) -> Iterator[tuple[str, str, NDArray[np.int64], list[str]]]:
    """Kind, set, its held-back rows, and the label of each, empty where there is none."""
    fashion = rows[FASHION]
    for kind, column in _COLUMNS.items():
        values = fashion.columns[column]
        named = [values[row] if values[row] != "NA" else "" for row in fashion.held]
        yield kind, FASHION, fashion.held, named
    found = [looks(fashion.columns["title"][row]) for row in fashion.held]
    counts = Counter(found)
    yield "pattern", FASHION, fashion.held, [w if counts[w] >= _LEAST else "" for w in found]
    clothing = rows[CLOTHING]
    categories = [clothing.columns["category"][row] for row in clothing.held]
    yield "clothing", CLOTHING, clothing.held, categories


def compare_prompts(
    rows: dict[str, SetRows], pictures: dict[str, Floats], texts: TextEncoder
) -> list[tuple[str, str, float, float]]:
    """Top-1 of each set of prompts: (kind, name of the set, on even rows, on odd rows).

    Two halves, so that what is chosen on one can be judged on the other.
    """
    figures = []
    for kind, name, held, values in _labelled(rows):
        known = np.array([bool(value) for value in values])
        labels = sorted({value for value in values if value})
        truth = np.array([labels.index(value) for value in values if value])
        own = pictures[name][held][known]
        for prompts, templates in PROMPTS[kind].items():
            halves = _halves(own, label_vectors(texts, _lowered(labels), templates), truth)
            figures.append((kind, prompts, *halves))
    return figures


def _halves(own: Floats, vectors: Floats, truth: NDArray[np.int64]) -> tuple[float, float]:
    even, odd = slice(0, None, 2), slice(1, None, 2)
    return top_one(own[even], vectors, truth[even]), top_one(own[odd], vectors, truth[odd])


def _lowered(labels: Sequence[str]) -> list[str]:
    return [label.lower() for label in labels]
