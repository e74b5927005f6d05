"""What searches find among held-back products, by vectors that are computed already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from embeddings import FloatArray
from scripts.evaluation.compact.measures import rank_of
from scripts.training.data.catalogs import CLOTHING, SetRows

__all__ = ["fashion_figures", "other_figures"]

TextEncoder = Callable[[Sequence[str]], FloatArray]

_TOP = 10
_LEAST = 10


def fashion_figures(
    rows: SetRows, vectors: FloatArray, texts: TextEncoder
) -> dict[str, list[float]]:
    """Return for each measure the value of every query, for vectors of the held-back rows."""
    column = rows.columns
    titles = [str(column["title"][row]) for row in rows.held]
    ranks = rank_of(texts(titles) @ vectors.T, np.arange(len(titles)))
    return {
        "title_recall_10": (ranks < _TOP).astype(float).tolist(),
        "type_precision_10": _precision(
            [column["article_type"][r] for r in rows.held], vectors, texts
        ),
        "colour_precision_10": _precision(
            [column["base_colour"][r] for r in rows.held], vectors, texts
        ),
    }


def other_figures(rows: SetRows, vectors: FloatArray, texts: TextEncoder) -> dict[str, list[float]]:
    """Return the same for clothes, and for photos of groceries: pictures of the same product."""
    column = "category" if rows.name == CLOTHING else "product_id"
    values = np.array([rows.columns[column][row] for row in rows.held])
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    first = np.argsort(-scores, axis=1)[:, :_TOP]
    found: dict[str, list[float]] = {
        f"{rows.name}_picture_precision_1": (values[first[:, 0]] == values).astype(float).tolist(),
        f"{rows.name}_picture_precision_10": (values[first] == values[:, None]).mean(1).tolist(),
    }
    if rows.name == CLOTHING:
        found[f"{rows.name}_category_precision_10"] = _precision(values.tolist(), vectors, texts)
    return found


def _precision(values: Sequence[str], vectors: FloatArray, texts: TextEncoder) -> list[float]:
    """Return precision@10 of each value's lower-cased name, of values that ten products have."""
    found, counts = np.array(values), Counter(values)
    names = sorted(n for n, count in counts.items() if n and n != "NA" and count >= _LEAST)
    scores = texts([name.lower() for name in names]) @ vectors.T
    best = np.argsort(-scores, axis=1)[:, :_TOP]
    return [float((found[best[row]] == name).mean()) for row, name in enumerate(names)]
