"""Diversity: hits that resemble those before them are pushed down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.errors import QueryError
from indexer.index import Index, Match

__all__ = ["POOL", "check_diversity", "diverse_order", "diversified"]

POOL = 200
"""How many of the nearest hits change places. The number is the same for every page, so that pages
of any size join without gap or repeat; beyond it the plain ranking goes on."""


def check_diversity(diversity: float) -> None:
    """Refuse what is no diversity.

    Raises:
        QueryError: If it is not from 0 to 1.
    """
    if not 0.0 <= diversity <= 1.0:
        raise QueryError(f"The diversity is a number from 0 to 1, not {diversity}.")


def diversified(
    index: Index,
    matches: Sequence[Match],
    diversity: float,
    relevance: Sequence[float] | None = None,
) -> list[Match]:
    """Order hits anew by `diverse_order`, comparing the pictures that were found.

    Args:
        index: The generation that found them.
        matches: Best first; those after the first `POOL` keep their places.
        diversity: 0 to 1; 0 changes nothing.
        relevance: What the hits were ranked by, where that is not their score; higher is better.

    Raises:
        QueryError: The diversity is not from 0 to 1.
    """
    check_diversity(diversity)
    pool, rest = matches[:POOL], matches[POOL:]
    if diversity == 0.0 or len(pool) < 2:
        return list(matches)
    vectors = np.stack([index.image_vector(match.id, match.image) for match in pool])
    ranked_by = [match.score for match in pool] if relevance is None else relevance[:POOL]
    order = diverse_order(np.array(ranked_by, np.float32), vectors, diversity)
    return [*(pool[place] for place in order), *rest]


def diverse_order(
    relevance: FloatArray, vectors: FloatArray, diversity: float
) -> NDArray[np.int64]:
    """Order candidates by maximal marginal relevance (Carbonell and Goldstein 1998, SIGIR).

    The first is the most relevant; each that follows has the greatest

        (1 - diversity) * relevance - diversity * its greatest cosine to those before it

    Both are scaled to 0 to 1 over the candidates first: cosines between words and pictures lie
    close together and low, those between pictures high, so that unscaled the same diversity would
    change nothing for one kind of query and everything for another.

    Args:
        relevance: `[n]`, any scale; higher is better.
        vectors: `[n, dim]` unit vectors.
        diversity: 0 (by relevance alone) to 1 (as unlike those before as can be).

    Returns:
        `[n]` row numbers. Equal candidates come in row order.
    """
    count = len(relevance)
    if diversity == 0.0 or count < 2:
        return np.argsort(-relevance, kind="stable")
    gain = (1.0 - diversity) * _scaled(relevance)
    cosines = diversity * _scaled(vectors @ vectors.T)
    order = np.empty(count, np.int64)
    order[0] = np.argmax(relevance)
    left = np.ones(count, bool)
    nearest = np.full(count, -np.inf, np.float32)
    for place in range(1, count):
        chosen = order[place - 1]
        left[chosen] = False
        np.maximum(nearest, cosines[chosen], out=nearest)
        order[place] = np.argmax(np.where(left, gain - nearest, -np.inf))
    return order


def _scaled(values: FloatArray) -> FloatArray:
    """Moved and stretched to 0 to 1; all 0 where they are all the same."""
    low, high = float(values.min()), float(values.max())
    if high - low < np.finfo(np.float32).eps:
        return np.zeros_like(values)
    return np.asarray((values - low) / (high - low), dtype=np.float32)
