"""What can be asked of an index, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from indexer.fields import FieldValue
from indexer.index import Match

__all__ = ["ImagePart", "LikePart", "Query", "QueryPart", "SearchResult", "TextPart"]


@dataclass(frozen=True)
class TextPart:
    """Words; a negative weight pushes away from them."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class ImagePart:
    """An RGB picture, as `embeddings.images.open_image` gives it."""

    image: Image.Image
    weight: float = 1.0


@dataclass(frozen=True)
class LikePart:
    """A product of the index, by id: the mean of its pictures. It is left out of the hits."""

    id: str
    weight: float = 1.0


QueryPart = TextPart | ImagePart | LikePart


@dataclass(frozen=True)
class Query:
    """A search.

    The query vector is the weighted sum of the parts' unit vectors, scaled to length 1.

    Attributes:
        parts: At least one.
        k: How many hits, from 1.
        offset: How many hits to skip, from 0.
        fields: Which product fields the hits carry; all by default.
        filter: Which products may be found, as JSON values (`indexer.filters`); all by default.
        facets: Fields whose values are counted over all products that pass the filter.
    """

    parts: tuple[QueryPart, ...]
    k: int = 20
    offset: int = 0
    fields: tuple[str, ...] | None = None
    filter: Mapping[str, Any] | None = None
    facets: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchResult:
    """The answer to a query.

    Attributes:
        hits: Nearest first.
        facets: For each field asked for, its values with their counts, most frequent first.
        generation: The index generation that answered.
        model: The encoder's name.
        took_ms: Milliseconds, embedding the query included.
    """

    hits: tuple[Match, ...]
    facets: Mapping[str, Sequence[tuple[FieldValue, int]]]
    generation: int
    model: str
    took_ms: float
