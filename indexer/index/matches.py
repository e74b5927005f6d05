"""Results of an index: products with their images, and the matches of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.catalog import FieldValue

__all__ = ["Found", "HitColour", "Match", "Nearest", "Product", "StoredImage"]


@dataclass(frozen=True)
class StoredImage:
    """An image of a product, and where it came from (empty for bytes in Parquet)."""

    location: str


@dataclass(frozen=True)
class Product:
    """A product as the index keeps it; fields without a value are left out."""

    id: str
    fields: dict[str, FieldValue]
    images: tuple[StoredImage, ...]


@dataclass(frozen=True)
class HitColour:
    """A measured colour of a hit.

    Attributes:
        name: What a person would call it.
        colour: The colour, `#rrggbb`.
        share: The share of the product that has it, 0 to 1.
        difference: Its difference (CIEDE2000) from the colour that was asked for; None where that
            is not a single colour.
    """

    name: str
    colour: str
    share: float
    difference: float | None


@dataclass(frozen=True)
class Match:
    """A product that a search found.

    Attributes:
        id: The product.
        score: Cosine between the query and the product's best image, -1 to 1; NaN where the query
            was not embedded. By a colour alone, how well the product matches it, 0 to 1.
        image: Which of the product's images that is, from 0; the first where there is no score.
        fields: The product's fields that were requested.
        confidence: Probability, 0 to 1, that the match is right; None where the index has no
            calibration, or no confidence was requested.
        grouped: Ids of other products that this match stands for (`search.ranking`), best first.
        colours: The measured colours of that image, the greatest share first, where the query asks
            for a colour.
    """

    id: str
    score: float
    image: int
    fields: dict[str, FieldValue]
    confidence: float | None = None
    grouped: tuple[str, ...] = ()
    colours: tuple[HitColour, ...] = ()


@dataclass(frozen=True)
class Found:
    """The place of a product that a search found.

    Attributes:
        score: Cosine between the query and the product's best image; NaN where the query was not
            embedded. By a colour alone, how well the product matches it.
        segment: The number of its segment.
        row: Its row there.
        image: The row of that image there.
        colour: Probability that people call the product by the colours that the query asks for,
            each to the power of its weight; 1 where colours don't count for the order.
    """

    score: float
    segment: int
    row: int
    image: int
    colour: float = 1.0


@dataclass(frozen=True)
class Nearest:
    """Places of products that a search by vector found, as `Found` has them, each `[n]`."""

    scores: FloatArray
    segments: NDArray[np.int64]
    rows: NDArray[np.int64]
    images: NDArray[np.int64]

    @classmethod
    def join(cls, parts: Sequence[Nearest]) -> Self:
        """Concatenate what several segments found."""
        if not parts:
            none = np.empty(0, np.int64)
            return cls(np.empty(0, np.float32), none, none, none)
        return cls(
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.segments for part in parts]),
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.images for part in parts]),
        )

    def some(self, chosen: NDArray[Any]) -> Nearest:
        """Return some of the places, given as a mask or as numbers."""
        return Nearest(
            self.scores[chosen], self.segments[chosen], self.rows[chosen], self.images[chosen]
        )

    def first(self, count: int) -> list[Found]:
        """Return the first places one by one."""
        columns = (self.scores, self.segments, self.rows, self.images)
        return list(map(Found, *(column[:count].tolist() for column in columns)))

    def __len__(self) -> int:
        return len(self.scores)
