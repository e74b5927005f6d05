"""Diversity re-ranking by maximal marginal relevance (MMR): similar hits are pushed down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.errors import QueryError
from indexer.index import Found, Index
from indexer.retrieval import checkpoint

__all__ = ["DIVERSITY_DEPTH", "check_diversity", "diverse_order", "diversify"]

DIVERSITY_DEPTH = 200
"""How many of the best hits are re-ranked. The number is the same for every page, so that pages of
any size join without gap or repeat. Hits after them keep the plain ranking."""


def check_diversity(diversity: float) -> None:
    """Check that a diversity is in range.

    Raises:
        QueryError: It is not from 0 to 1.
    """
    if not 0.0 <= diversity <= 1.0:
        raise QueryError(f"The diversity is a number from 0 to 1, not {diversity}.")


def diversify(
    index: Index, found: Sequence[Found], relevance: FloatArray, diversity: float
) -> list[int]:
    """Order hits by `diverse_order`, comparing the images that were found.

    Args:
        index: The generation that found them.
        found: Best first. Those after the first `DIVERSITY_DEPTH` keep their places.
        relevance: `[n]`, what they are ranked by; higher is better.
        diversity: 0 to 1; 0 changes nothing.

    Returns:
        Places in `found`, each once.
    """
    count = len(found)
    pool = min(DIVERSITY_DEPTH, count)
    if diversity == 0.0 or pool <= 1:
        return list(range(count))
    vectors = index.image_vectors(found[:pool])
    order = diverse_order(relevance[:pool], vectors, diversity)
    return [*order.tolist(), *range(pool, count)]


def diverse_order(
    relevance: FloatArray, vectors: FloatArray, diversity: float
) -> NDArray[np.int64]:
    """Order candidates by maximal marginal relevance (Carbonell and Goldstein 1998, SIGIR).

    The first is the most relevant. Each that follows has the greatest

        (1 - diversity) * relevance - diversity * greatest cosine to the candidates before it

    Relevance and cosines are first scaled to 0 to 1 over the candidates. Cosines between texts and
    images are low and close together, those between images are high. Without scaling, the same
    diversity would change nothing for one kind of query and everything for another.

    Args:
        relevance: `[n]`, any scale; higher is better.
        vectors: `[n, dim]` unit vectors.
        diversity: 0 (relevance alone) to 1 (each as different from those before as possible).

    Returns:
        `[n]` row numbers. Equal candidates come in row order.
    """
    count = len(relevance)
    if diversity == 0.0 or count <= 1:
        return np.argsort(-relevance, kind="stable")
    gain = (1.0 - diversity) * _scaled(relevance)
    cosines = diversity * _scaled(vectors @ vectors.T)
    order = np.empty(count, np.int64)
    order[0] = np.argmax(relevance)
    left = np.ones(count, bool)
    nearest = np.full(count, -np.inf, np.float32)
    for place in range(1, count):
        checkpoint()
        chosen = order[place - 1]
        left[chosen] = False
        np.maximum(nearest, cosines[chosen], out=nearest)
        order[place] = np.argmax(np.where(left, gain - nearest, -np.inf))
    return order


def _scaled(values: FloatArray) -> FloatArray:
    """Shift and stretch values to 0 to 1; all become 0 where they are equal."""
    low, high = float(values.min()), float(values.max())
    if high - low < np.finfo(np.float32).eps:
        return np.zeros_like(values)
    return np.asarray((values - low) / (high - low), dtype=np.float32)
