"""Catalog health: duplicates, wrong titles, blank images, gaps and rare values of an index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from embeddings import Encoder
from indexer.catalog import FieldType, title_field
from indexer.index import ImageScan, ImageTable, Index, Progress, scan_images
from indexer.quality.duplicates import BLANK_SPREAD, Likeness, find_duplicates
from indexer.quality.face_check import find_face_images
from indexer.quality.health_facts import (
    CatalogHealth,
    FieldHealth,
    GroupHealth,
    ImageFault,
    ValueHealth,
)
from indexer.quality.quarantine import read_quarantine
from indexer.quality.rare_values import find_rare_values
from indexer.quality.title_check import check_titles
from indexer.quality.unsafe_check import find_unsafe_images

__all__ = ["TINY_SIDE", "examine"]

TINY_SIDE = 100
"""An image whose longest side is below this many pixels is tiny: smaller than any model's input."""

# Types of the fields that can be categorical.
_CATEGORICAL = (FieldType.TEXT, FieldType.BOOLEAN)
# Ids listed as examples of a missing or rare value.
_EXAMPLES = 12
# Products shown for each value of a categorical field.
_VALUE_EXAMPLES = 4
# A field is categorical if it has at most this many values, and on average at least this many
# products for each.
_MAX_VALUES = 200
_MIN_PRODUCTS_PER_VALUE = 5
# Values of a categorical field that are listed; the others are counted.
_LISTED_VALUES = 24


def examine(
    index: Index,
    path: Path,
    encoder: Encoder,
    on_progress: Progress = lambda *_: None,
    *,
    faces: bool = False,
) -> CatalogHealth:
    """Examine the catalog behind an index.

    Args:
        index: The generation to examine.
        path: The index folder, with the last build's `quarantine.jsonl`.
        encoder: The encoder that built the index; embeds the titles.
        on_progress: Called from time to time.
        faces: Look for faces in the thumbnails of images that the build did not look at.

    Raises:
        EncoderMismatchError: Another encoder built the index.
        ModelError: The face detector is wanted and can't be used.
    """
    index.check_encoder(encoder.spec)
    table = ImageTable(index)
    scan = scan_images(table, on_progress)
    types = {name: FieldType(kind) for name, kind in index.manifest.fields.items()}
    columns = {name: _column(table, name) for name in types}
    title = title_field(types)
    titles: list[str | None] = columns[title].to_pylist() if title is not None else []
    groups, labels = [], {}
    for name, kind in types.items():
        if name == title or kind not in _CATEGORICAL:
            continue
        values = columns[name].to_pylist()
        group = _group(table, name, values)
        if group is not None:
            groups.append(group)
            labels[name] = values
    blank, tiny = _image_faults(table, scan, titles)
    return CatalogHealth(
        catalog=index.manifest.catalog,
        generation=index.manifest.generation,
        model=encoder.spec.name,
        products=table.products,
        pictures=len(table),
        pictures_seen=int(np.count_nonzero(scan.seen)),
        refused=read_quarantine(path),
        blank=blank,
        tiny=tiny,
        duplicates=find_duplicates(
            index, Likeness.SIMILAR, table=table, scan=scan, on_progress=on_progress
        ),
        title=title,
        titled=sum(1 for text in titles if text),
        titles=tuple(check_titles(table, titles, labels, encoder, on_progress)),
        fields=_fields(table, types, columns),
        groups=tuple(groups),
        pictures_of_product=_images_per_product(table),
        unsafe=find_unsafe_images(table, titles),
        faces=find_face_images(table, titles, look=faces, on_progress=on_progress),
    )


def _column(table: ImageTable, name: str) -> pa.ChunkedArray:
    """Read a field's value of each product; blank text becomes null."""
    parts = []
    for segment in table.index.segments:
        column = segment.field_table[name].filter(pa.array(segment.alive))
        if pa.types.is_string(column.type):
            trimmed = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, column.type), column)
        parts += column.chunks
    return pa.chunked_array(parts) if parts else pa.chunked_array([], pa.null())


def _image_faults(
    table: ImageTable, scan: ImageScan, titles: Sequence[str | None]
) -> tuple[tuple[ImageFault, ...], tuple[ImageFault, ...]]:
    """Find the blank images and the tiny ones; a blank image is not listed as tiny too."""
    longest = scan.size.max(1) if len(scan.size) else np.empty(0, np.uint16)
    blank = scan.seen & (scan.spread < BLANK_SPREAD)
    tiny = np.flatnonzero(scan.seen & ~blank & (longest < TINY_SIDE))
    tiny = tiny[np.argsort(longest[tiny], kind="stable")]

    def fault(image: int) -> ImageFault:
        product = int(table.product[image])
        title = titles[product] if titles else None
        width, height = (int(side) for side in scan.size[image])
        return ImageFault(
            table.product_id(product), title or "", table.position(image), width, height
        )

    return (
        tuple(fault(int(image)) for image in np.flatnonzero(blank)),
        tuple(fault(int(image)) for image in tiny),
    )


def _fields(
    table: ImageTable, types: dict[str, FieldType], columns: dict[str, pa.ChunkedArray]
) -> tuple[FieldHealth, ...]:
    found = []
    for name, kind in types.items():
        empty = np.asarray(columns[name].is_null())
        missing = int(np.count_nonzero(empty))
        examples = _ids(table, np.flatnonzero(empty)[:_EXAMPLES])
        found.append(FieldHealth(name, str(kind), table.products - missing, missing, examples))
    return tuple(sorted(found, key=lambda field: -field.missing))


def _group(table: ImageTable, name: str, values: Sequence[object]) -> GroupHealth | None:
    """Count the values of a field; None if it is not categorical."""
    products_of: dict[str, list[int]] = {}
    for product, value in enumerate(values):
        if value is None:
            continue
        products_of.setdefault(str(value), []).append(product)
        if len(products_of) > _MAX_VALUES:
            return None
    filled = sum(map(len, products_of.values()))
    if not products_of or filled < _MIN_PRODUCTS_PER_VALUE * len(products_of):
        return None
    by_frequency = sorted(products_of, key=lambda value: -len(products_of[value]))
    listed = by_frequency[:_LISTED_VALUES]
    return GroupHealth(
        name=name,
        different=len(products_of),
        values=tuple(_value(table, value, products_of[value]) for value in listed),
        others=filled - sum(len(products_of[value]) for value in listed),
        rare=find_rare_values(products_of, lambda products: _ids(table, products[:_EXAMPLES])),
    )


def _value(table: ImageTable, value: str, products: Sequence[int]) -> ValueHealth:
    """Describe a value by products that are evenly spaced over the catalog."""
    step = max(1, len(products) // _VALUE_EXAMPLES)
    return ValueHealth(value, len(products), _ids(table, products[::step][:_VALUE_EXAMPLES]))


def _ids(table: ImageTable, products: Sequence[int] | NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(table.product_id(int(product)) for product in products)


def _images_per_product(table: ImageTable) -> tuple[tuple[int, int], ...]:
    counts = np.bincount(table.product, minlength=table.products)
    numbers, products = np.unique(counts, return_counts=True)
    return tuple(zip(numbers.tolist(), products.tolist(), strict=True))
