"""Zero-shot prompts compared: which words around a label find its images best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from scripts.evaluation.compact.measures import Floats, TextEncoder, label_vectors, top_one
from scripts.support.measuring import Measure
from scripts.training.data.captions import looks
from scripts.training.data.catalogs import CLOTHING, FASHION, SetRows
from scripts.training.data.vocabulary import LABEL_TEMPLATES

__all__ = ["KINDS", "PROMPTS", "compare_prompts"]

_GENERAL = {
    "bare": ("{}",),
    "photo": ("a photo of a {}",),
    "bare and photo": ("{}", "a photo of a {}", "a product photo of {}"),
    "all of training": LABEL_TEMPLATES,
}
# Kinds of label, with what docs call each.
KINDS = {
    "type": "type",
    "colour": "colour",
    "gender": "gender",
    "season": "season",
    "usage": "usage",
    "pattern": "pattern (words of titles)",
    "clothing": "clothing",
}
# Sets of templates by kind of label and name.
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
# Held-back titles that must begin with a word for it to count as a pattern, at least.
_LEAST = 15


def _labelled(rows: dict[str, SetRows]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield kind, set, and the label of each held-back row, empty where there is none."""
    fashion, clothing = rows[FASHION], rows[CLOTHING]
    for kind, column in _COLUMNS.items():
        values = fashion.columns[column]
        yield kind, FASHION, [values[row] if values[row] != "NA" else "" for row in fashion.held]
    found = [looks(fashion.columns["title"][row]) for row in fashion.held]
    counts = Counter(found)
    yield "pattern", FASHION, [word if counts[word] >= _LEAST else "" for word in found]
    yield "clothing", CLOTHING, [clothing.columns["category"][row] for row in clothing.held]


def compare_prompts(
    rows: dict[str, SetRows], held: dict[str, Floats], texts: TextEncoder
) -> list[Measure]:
    """Measure top-1 of each set of prompts on the even and on the odd held-back rows.

    There are two halves so that what is chosen on one can be judged on the other.

    Args:
        rows: Sets by name.
        held: Unit vectors of each set's held-back rows, by name.
        texts: Encodes texts.
    """
    figures = []
    for kind, name, values in _labelled(rows):
        known = np.array([bool(value) for value in values])
        labels = sorted({value for value in values if value})
        truth = np.array([labels.index(value) for value in values if value])
        own = held[name][known]
        for prompts, templates in PROMPTS[kind].items():
            right = top_one(own, label_vectors(texts, _lowered(labels), templates), truth)
            figures += [
                Measure(f"{kind}, {prompts}, even rows", float(right[::2].mean())),
                Measure(f"{kind}, {prompts}, odd rows", float(right[1::2].mean())),
            ]
    return figures


def _lowered(labels: Sequence[str]) -> list[str]:
    return [label.lower() for label in labels]
