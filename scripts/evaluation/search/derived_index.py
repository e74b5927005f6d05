"""Indexes derived from another one: some of its products, without a field, or many more."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, encode_many_texts
from indexer.build import stored_products
from indexer.catalog import FieldType
from indexer.index import Index, NewImage, NewProduct, index_exists, new_segment_id, write_segment
from indexer.retrieval import NeighbourOptions, build_neighbours
from indexer.storage import (
    EncoderRecord,
    Layout,
    SegmentLayout,
    adopt_segment,
    new_generation,
    publish,
)

__all__ = ["derived_index", "enlarged", "some_products", "without_titles"]

# Values of the field of types that the neighbour index is tuned with.
_TUNED_WITH = 500

Products = Callable[[], Iterator[NewProduct]]


def derived_index(folder: Path, encoder: Encoder, products: Products) -> Index:
    """Open an index of products that were embedded already, written on the first call."""
    if index_exists(folder):
        return Index.open(folder)
    layout, spec = Layout(folder), encoder.spec
    layout.staging.mkdir(parents=True, exist_ok=True)
    found = list(products())
    names = dict.fromkeys(name for product in found for name in product.fields)
    kinds = [str(product.fields["article_type"]) for product in found[:_TUNED_WITH]]
    record = write_segment(
        SegmentLayout(layout.staging / new_segment_id()),
        found,
        dict.fromkeys(names, FieldType.TEXT),
        spec.dim,
        lambda written: build_neighbours(
            written, NeighbourOptions(), lambda: encode_many_texts(encoder, kinds)
        ),
    )
    manifest = new_generation(
        layout,
        encoder=EncoderRecord(spec.name, spec.fingerprint, spec.dim),
        segments=[record],
        fields=dict.fromkeys(names, str(FieldType.TEXT)),
        catalog=folder.name,
    )
    adopt_segment(layout, record.id)
    publish(layout, manifest)
    return Index.open(folder)


def some_products(index: Index, ids: Collection[str]) -> Iterator[NewProduct]:
    """Yield the products of an index that have these ids."""
    return (product for product in _products_of(index) if product.id in ids)


def without_titles(index: Index) -> Iterator[NewProduct]:
    """Yield the products of an index without their titles."""
    for product in _products_of(index):
        fields = {name: value for name, value in product.fields.items() if name != "title"}
        yield replace(product, fields=fields)


def enlarged(index: Index, count: int) -> Iterator[NewProduct]:
    """Yield `count` products: the real ones, then mixtures of two real ones of the same type.

    A mixture has the first half of one title and the second half of the other, and a vector between
    the two.
    """
    real = list(_products_of(index))
    yield from real[:count]
    by_type: dict[object, list[NewProduct]] = {}
    for product in real:
        by_type.setdefault(product.fields.get("article_type"), []).append(product)
    rng = random.Random(2)
    for number in range(len(real), count):
        one = rng.choice(real)
        other = rng.choice(by_type[one.fields.get("article_type")])
        halves = [str(product.fields.get("title", "")).split() for product in (one, other)]
        title = halves[0][: len(halves[0]) // 2] + halves[1][len(halves[1]) // 2 :]
        key = number.to_bytes(32, "little")
        vector = _between(one.images[0].vector, other.images[0].vector, rng.random())
        yield NewProduct(
            f"mixture-{number}",
            {**one.fields, "title": " ".join(title) or "x"},
            (NewImage(key, "", vector, b""),),
            key[: len(one.digest)],
        )


def _products_of(index: Index) -> Iterator[NewProduct]:
    """Yield products with their text fields, without thumbnails."""
    for segment in index.segments:
        for product in stored_products(segment, segment.alive, 0.0):
            fields = {
                name: value for name, value in product.fields.items() if isinstance(value, str)
            }
            images = tuple(replace(image, thumbnail=b"") for image in product.images)
            yield replace(product, fields=fields, images=images)


def _between(
    one: NDArray[np.float16], other: NDArray[np.float16], share: float
) -> NDArray[np.float16]:
    mixed = share * one.astype(np.float32) + (1 - share) * other.astype(np.float32)
    return np.asarray(mixed / np.linalg.norm(mixed), np.float16)
