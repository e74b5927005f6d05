"""Tags of a query: what its images, and the products it wants more of, show."""

from __future__ import annotations

import numpy as np

from embeddings import FloatArray, Tag
from indexer.index import Index
from indexer.search.query import ImagePart, LikePart, Query
from indexer.tagging import Tagger

__all__ = ["MAX_LABELS", "query_tags"]

MAX_LABELS = 3
"""The most labels of one group that a query is given."""

# Keeps the division finite where images of a query cancel each other out.
_MIN_LENGTH = 1e-12


def query_tags(query: Query, images: FloatArray, index: Index, tagger: Tagger) -> tuple[Tag, ...]:
    """Tag the images and products of positive weight in a query, as one image.

    Args:
        query: The query. Texts are not tagged: a query of texts alone has no tags.
        images: `[n, dim]` unit vectors of its images, in the order of its parts.
        index: Holds its products.
        tagger: Gives the tags.
    """
    shown = [part for part in query.parts if isinstance(part, ImagePart)]
    liked = [part for part in query.parts if isinstance(part, LikePart)]
    weights = np.array([*(p.weight for p in shown), *(p.weight for p in liked)], np.float32)
    positive = weights > 0
    if not positive.any():
        return ()
    products = (index.vector(part.id)[np.newaxis] for part in liked)
    total = weights[positive] @ np.concatenate([images, *products])[positive]
    vector = total / max(float(np.linalg.norm(total)), _MIN_LENGTH)
    (tags,) = tagger.tag(np.asarray(vector[np.newaxis], np.float32), MAX_LABELS)
    return tuple(tags)
