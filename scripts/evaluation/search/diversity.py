"""Diversity: how alike the hits are to each other, and what it costs in precision.

By words: the attribute queries over all products, right being type, colour and gender. By picture:
held-back pictures, right being the same type and colour.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.search.ranking import DIVERSITY_DEPTH, diverse_order
from scripts.evaluation.search.attributes import ATTRIBUTES, attribute_queries
from scripts.evaluation.search.setting import Setting, Shelf
from scripts.support.measuring import Measure

__all__ = ["measure"]

Mask = NDArray[np.bool_]

_STEPS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
_SHOWN = 10
_PICTURES = 300
# Two pictures this near are one product photographed twice, or one in two sizes.
_TWINS = 0.98


def _same(shelf: Shelf, names: tuple[str, ...], values: tuple[object, ...]) -> Mask:
    found = np.ones(len(shelf.ids), bool)
    for name, value in zip(names, values, strict=True):
        found &= shelf.columns[name] == value
    return found


def _queries(setting: Setting, shelf: Shelf) -> dict[str, list[tuple[FloatArray, Mask, int]]]:
    """For each kind of query: vectors, what is right, and the row that is the query itself."""
    texts = attribute_queries(shelf, setting.limit)
    vectors = setting.encoder.encode_texts([query.text or "" for query in texts])
    words = [
        (vector, _same(shelf, ATTRIBUTES, tuple(query.labels.values())), -1)
        for vector, query in zip(vectors, texts, strict=True)
    ]
    count = min(setting.limit or _PICTURES, len(shelf.held))
    names = ("article_type", "base_colour")
    pictures = [
        (
            shelf.vectors[row],
            _same(shelf, names, tuple(shelf.columns[name][row] for name in names)),
            int(row),
        )
        for row in np.random.default_rng(0).choice(shelf.held, count, replace=False)
    ]
    return {"words": words, "pictures": pictures}


def _figures(shelf: Shelf, vector: FloatArray, itself: int, diversity: float) -> list[int]:
    scores = shelf.vectors @ vector
    if itself >= 0:
        scores[itself] = -np.inf
    pool = np.argsort(-scores, kind="stable")[:DIVERSITY_DEPTH]
    order = diverse_order(scores[pool], shelf.vectors[pool], diversity)[:_SHOWN]
    return [int(row) for row in pool[order]]


def measure(setting: Setting) -> list[Measure]:
    """Precision@10, mean cosine between hits, and twins among ten hits, by diversity."""
    shelf = setting.everything
    measures = []
    for kind, queries in _queries(setting, shelf).items():
        for diversity in _STEPS:
            rows = []
            for vector, right, itself in queries:
                shown = _figures(shelf, vector, itself, diversity)
                cosines = shelf.vectors[shown] @ shelf.vectors[shown].T
                pairs = cosines[np.triu_indices(_SHOWN, 1)]
                twins = (np.triu(cosines, 1) > _TWINS).any(axis=0).sum()
                rows.append((right[shown].mean(), pairs.mean(), twins))
            precision, alike, twins = np.mean(rows, axis=0)
            note = f"cosine between hits {alike:.3f}, twins among ten {twins:.2f}"
            measures.append(
                Measure(
                    f"diversity {diversity}, {kind}: precision@10", float(precision), reason=note
                )
            )
    return measures
