"""Results of an index: products with their images, and the matches of a search."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.catalog import FieldValue

__all__ = ["Found", "Match", "Product", "StoredImage"]


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
class Match:
    """A product that a search found.

    Attributes:
        id: The product.
        score: Cosine between the query and the product's best image, -1 to 1; NaN where the query
            was not embedded.
        image: Which of the product's images that is, from 0; the first where there is no score.
        fields: The product's fields that were requested.
        confidence: Probability, 0 to 1, that the match is right; None where the index has no
            calibration, or no confidence was requested.
        grouped: Ids of other products that this match stands for (`search.ranking`), best first.
    """

    id: str
    score: float
    image: int
    fields: dict[str, FieldValue]
    confidence: float | None = None
    grouped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """The place of a product that a search found.

    Attributes:
        score: Cosine between the query and the product's best image; NaN where the query was not
            embedded.
        segment: The number of its segment.
        row: Its row there.
        image: The row of that image there.
    """

    score: float
    segment: int
    row: int
    image: int
