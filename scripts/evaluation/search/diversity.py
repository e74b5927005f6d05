"""Diversity: how similar the hits are to each other, and what diversity costs in precision.

By words: the attribute queries over all products, where hits of the type, colour and gender are
right. By image: held-back images, where hits of the same type and colour are right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray, encode_many_texts
from indexer.search.ranking import DIVERSITY_DEPTH, diverse_order
from scripts.docs.figures import Grid
from scripts.evaluation.search.attributes import attribute_queries
from scripts.evaluation.search.setting import IndexedCatalog, Setting
from scripts.support.measuring import Measure

__all__ = ["TABLES", "measure"]

Mask = NDArray[np.bool_]

_STEPS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
_SHOWN = 10
_IMAGES = 300
# The cosine of two images that show one product twice, or one product in two sizes.
_TWINS = 0.98
_FIGURES = {
    "precision@10": "precision@10",
    "cosine between hits": "cosine between hits",
    "twins among ten": "twins among ten",
}
_KINDS = {"words": "words", "pictures": "images"}

TABLES = (
    Grid(
        "diversity {row}, {column}",
        {str(step): f"{step:g}" for step in _STEPS},
        {
            f"{kind}: {figure}": f"{label}: {shown}"
            for kind, label in _KINDS.items()
            for figure, shown in _FIGURES.items()
        },
        "diversity",
    ),
)


def measure(setting: Setting) -> list[Measure]:
    """Measure precision@10, mean cosine between hits and twins among ten hits, by diversity."""
    catalog = setting.everything
    measures = []
    for kind, queries in _queries(setting, catalog).items():
        for diversity in _STEPS:
            rows = [_judge(catalog, diversity, *query) for query in queries]
            means = np.mean(rows, axis=0).tolist()
            measures += [
                Measure(f"diversity {diversity}, {kind}: {figure}", mean)
                for figure, mean in zip(_FIGURES, means, strict=True)
            ]
    return measures


def _queries(
    setting: Setting, catalog: IndexedCatalog
) -> dict[str, list[tuple[FloatArray, Mask, int]]]:
    """Return for each kind of query: vectors, right hits, and the row of the query itself."""
    texts = attribute_queries(catalog, setting.limit)
    vectors = encode_many_texts(setting.encoder, [str(query.text) for query in texts])
    words = [
        (vector, catalog.having(query.labels), -1)
        for vector, query in zip(vectors, texts, strict=True)
    ]
    count = min(setting.limit or _IMAGES, len(catalog.held))
    labels = ("article_type", "base_colour")
    images = [
        (
            catalog.vectors[row],
            catalog.having({name: catalog.columns[name][row] for name in labels}),
            int(row),
        )
        for row in np.random.default_rng(0).choice(catalog.held, count, replace=False)
    ]
    return {"words": words, "pictures": images}


def _judge(
    catalog: IndexedCatalog, diversity: float, vector: FloatArray, right: Mask, itself: int
) -> tuple[float, float, float]:
    """Return precision@10, the mean cosine between hits and the number of twins of one query."""
    scores = catalog.searched @ vector
    if itself >= 0:
        scores[itself] = -np.inf
    pool = np.argsort(-scores, kind="stable")[:DIVERSITY_DEPTH]
    order = diverse_order(scores[pool], catalog.vectors[pool], diversity)[:_SHOWN]
    hits = pool[order]
    cosines = catalog.vectors[hits] @ catalog.vectors[hits].T
    pairs = cosines[np.triu_indices(_SHOWN, 1)]
    twins = (np.triu(cosines, 1) > _TWINS).any(axis=0).sum()
    return float(right[hits].mean()), float(pairs.mean()), float(twins)
