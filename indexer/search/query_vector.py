"""The query vector: a query's parts embedded, weighted and summed to one unit vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from embeddings import Encoder, FloatArray, PixelArray, encode_image_rows
from indexer.errors import QueryError
from indexer.index import Index
from indexer.search.query import ImagePart, LikePart, QueryPart, TextPart, VectorPart
from indexer.storage import QueryKind

__all__ = ["EncodedParts", "combine", "encode_images", "encode_parts", "pixels_of", "query_kind"]

# A sum shorter than this share of the weights is rounding noise: the parts cancel each other out.
_MIN_LENGTH = 1e-3


@dataclass(frozen=True)
class EncodedParts:
    """The vectors of the text and image parts of a query.

    Attributes:
        texts: `[n, dim]`, one unit row for each text, in the order of the parts.
        images: `[m, dim]`, one unit row for each image, in the order of the parts.
        features: `[m, features]`, what the encoder gives beside the vector of each image.
    """

    texts: FloatArray
    images: FloatArray
    features: FloatArray

    @classmethod
    def of_rows(cls, texts: FloatArray, rows: FloatArray) -> EncodedParts:
        """Make them of the vectors of texts and of `encode_image_rows`."""
        dim = texts.shape[1]
        return cls(texts, rows[:, :dim], rows[:, dim:])


def encode_parts(encoder: Encoder, parts: Sequence[QueryPart]) -> EncodedParts:
    """Embed the texts and the images of a query, each kind as one batch."""
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    pixels = [pixels_of(encoder, part) for part in parts if isinstance(part, ImagePart)]
    none = np.empty((0, encoder.spec.dim), np.float32)
    return EncodedParts.of_rows(
        encoder.encode_texts(texts) if texts else none,
        encode_image_rows(encoder, np.stack(pixels)) if pixels else none,
    )


def pixels_of(encoder: Encoder, part: ImagePart) -> PixelArray:
    """Return an image as the encoder takes it, `[height, width, 3]`."""
    return encoder.preprocess(part.image) if part.pixels is None else part.pixels


def encode_images(encoder: Encoder, images: Sequence[Image.Image]) -> FloatArray:
    """Embed RGB images as one batch; `[n, dim]` unit vectors."""
    if not images:
        return np.empty((0, encoder.spec.dim), np.float32)
    return encoder.encode_images(np.stack([encoder.preprocess(image) for image in images]))


def combine(
    parts: Sequence[QueryPart], encoded: EncodedParts, index: Index, *, adapted: bool = True
) -> FloatArray:
    """Return the weighted sum of the parts' unit vectors, `[dim]`, scaled to length 1.

    Args:
        parts: The parts of the query, one or more.
        encoded: The vectors of its texts and images.
        index: Holds the products that `LikePart`s name.
        adapted: Whether the index's map is used, as searches do; otherwise the vectors are the
            model's own.

    Raises:
        QueryError: There are no parts, they cancel each other out, a product is unknown, or a
            vector does not fit.
        EncoderMismatchError: The index's map needs features that the encoder does not give.
    """
    if not parts:
        raise QueryError("The query is empty: give text, an image, or a product to be like.")
    texts = [part for part in parts if isinstance(part, TextPart)]
    images = [part for part in parts if isinstance(part, ImagePart)]
    liked = [part for part in parts if isinstance(part, LikePart)]
    given = [part for part in parts if isinstance(part, VectorPart)]
    ordered: list[QueryPart] = [*texts, *images, *liked, *given]
    product = index.query_vector if adapted else index.vector
    products = (product(part.id)[np.newaxis] for part in liked)
    shown = index.adapted(encoded.images, encoded.features) if adapted else encoded.images
    vectors = (_unit(part, index.manifest.encoder.dim) for part in given)
    rows = np.concatenate([encoded.texts, shown, *products, *vectors])
    weights = np.array([part.weight for part in ordered], np.float32)
    total = weights @ rows
    length = float(np.linalg.norm(total))
    if length < _MIN_LENGTH * float(np.abs(weights).sum()) or length == 0.0:
        raise QueryError("The parts of the query cancel each other out; change their weights.")
    return np.asarray(total / length, dtype=np.float32)


def _unit(part: VectorPart, dim: int) -> FloatArray:
    """Return a given vector as a row `[1, dim]` of length 1.

    Raises:
        QueryError: It has another dimension, or no direction.
    """
    if len(part.vector) != dim:
        raise QueryError(
            f"vector: it has {len(part.vector)} components, and this index has {dim}; embed texts "
            "and images with the model of the index."
        )
    row = np.array(part.vector, np.float64)[np.newaxis]
    greatest = float(np.abs(row).max())
    if greatest > 0.0 and np.isfinite(greatest):
        row /= greatest  # so that no square overflows
    length = float(np.linalg.norm(row))
    if not np.isfinite(length) or length == 0.0:
        raise QueryError("vector: it has no direction; give numbers that are not all 0.")
    return np.asarray(row / length, np.float32)


def query_kind(parts: Sequence[QueryPart]) -> QueryKind:
    """Return what a query is made of; products of the index count as images.

    What a given vector was made of is not known: it may be either.
    """
    if any(isinstance(part, VectorPart) for part in parts):
        return QueryKind.MIXED
    texts = sum(isinstance(part, TextPart) for part in parts)
    if texts == len(parts):
        return QueryKind.TEXT
    return QueryKind.MIXED if texts else QueryKind.IMAGE
