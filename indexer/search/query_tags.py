"""The tags of what a query shows: its pictures, and the products that it wants more of."""

from __future__ import annotations

import numpy as np

from embeddings import FloatArray, Tag
from indexer.index import Index
from indexer.search.query import ImagePart, LikePart, Query
from indexer.tagging import Tagger

__all__ = ["MOST_LABELS", "query_tags"]

MOST_LABELS = 3
"""How many labels of a group a query is given at most."""


def query_tags(query: Query, pictures: FloatArray, index: Index, tagger: Tagger) -> tuple[Tag, ...]:
    """Tag the pictures and products of positive weight in a query, as one picture.

    Args:
        query: What is asked. Words are no picture: a query of nothing else has no tags.
        pictures: `[n, dim]` unit vectors of its pictures, in the order of its parts.
        index: Where its products are.
        tagger: Gives the tags.
    """
    shown = [part for part in query.parts if isinstance(part, ImagePart)]
    liked = [part for part in query.parts if isinstance(part, LikePart)]
    weights = np.array([*(p.weight for p in shown), *(p.weight for p in liked)], np.float32)
    wanted = weights > 0
    if not wanted.any():
        return ()
    products = (index.vector(part.id)[np.newaxis] for part in liked)
    total = weights[wanted] @ np.concatenate([pictures, *products])[wanted]
    vector = total / max(float(np.linalg.norm(total)), 1e-12)
    (tags,) = tagger.tag(np.asarray(vector[np.newaxis], np.float32), MOST_LABELS)
    return tuple(tags)
