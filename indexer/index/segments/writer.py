"""Writing segments: immutable runs of products with their vectors, neighbours and fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy
from numpy.typing import NDArray

from indexer.catalog import DIGEST_BYTES, FieldType, FieldValue, arrow_schema, to_batch
from indexer.colours import COLOURS_SHAPE, ColourArray, measured_on
from indexer.retrieval import KeywordWriter, write_neighbours
from indexer.storage import (
    COLOUR_FILES,
    LOOKUP_FILES,
    SEGMENT_FILES,
    TEXT_FILES,
    FileRecord,
    IndexKind,
    KeyArray,
    Lookup,
    NeighboursRecord,
    SegmentLayout,
    SegmentRecord,
    content_keys,
    id_keys,
    searched_vectors,
    sha256_of,
    sync_file,
    sync_folder,
)

__all__ = ["NewImage", "NewProduct", "new_segment_id", "write_flat", "write_segment"]

_PRODUCTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("first_image", pa.int64(), nullable=False),
        pa.field("images", pa.int32(), nullable=False),
        pa.field("digest", pa.binary(DIGEST_BYTES), nullable=False),
    ]
)
_IMAGES = pa.schema(
    [
        pa.field("product", pa.int64(), nullable=False),
        pa.field("sha256", pa.binary(32), nullable=False),
        pa.field("location", pa.string(), nullable=False),
        pa.field("thumbnail_offset", pa.int64(), nullable=False),
        pa.field("thumbnail_bytes", pa.int32(), nullable=False),
    ]
)
# Products in one Arrow batch: large enough that a lookup meets few batches, small enough that a
# writer holds little.
_BATCH = 32_768


@dataclass(frozen=True)
class NewImage:
    """A picture to be written: its content's SHA-256, `[dim]` float16 vector, and thumbnail.

    `searched` is the vector with the title mixed in, where it is known already. `colours` are
    `[5, 4]`; those of None are measured on the thumbnail, if there is one.
    """

    sha256: bytes
    location: str
    vector: NDArray[np.float16]
    thumbnail: bytes
    searched: NDArray[np.float16] | None = None
    colours: ColourArray | None = None


@dataclass(frozen=True)
class NewProduct:
    """A product to be written, with at least one picture and its `product_digest`."""

    id: str
    fields: Mapping[str, FieldValue]
    images: Sequence[NewImage]
    digest: bytes


def new_segment_id() -> str:
    """A name that no other segment has; it sorts by time, which helps who looks into the folder."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"


def write_flat(layout: SegmentLayout) -> NeighboursRecord:
    """Write the FAISS index that compares with every vector of a segment."""
    write_neighbours(searched_vectors(layout).array, IndexKind.FLAT, layout.neighbours)
    return NeighboursRecord()


def write_segment(
    layout: SegmentLayout,
    products: Iterable[NewProduct],
    types: Mapping[str, FieldType],
    dim: int,
    neighbours: Callable[[SegmentLayout], NeighboursRecord] = write_flat,
    text_weight: float = 0.0,
) -> SegmentRecord:
    """Write a segment, durably, into a folder of its own.

    Args:
        layout: Where to; the folder is made and must be empty.
        products: In the order they shall have; streamed.
        types: Of the product fields.
        dim: Length of the vectors.
        neighbours: Writes the FAISS index over the vectors once they are there.
        text_weight: The titles' share in the pictures' `searched` vectors, which all of them have
            if it is above 0.

    Returns:
        The record for the manifest; its id is the folder's name.
    """
    layout.root.mkdir(parents=True)
    image_count = product_count = 0
    keys: list[KeyArray] = []
    contents: list[KeyArray] = []
    keywords = KeywordWriter(layout.keywords)
    with (
        pa.OSFile(str(layout.products), "wb") as products_file,
        pa.ipc.new_file(products_file, _PRODUCTS) as products_out,
        pa.OSFile(str(layout.fields), "wb") as fields_file,
        pa.ipc.new_file(fields_file, arrow_schema(types)) as fields_out,
        pa.OSFile(str(layout.images), "wb") as images_file,
        pa.ipc.new_file(images_file, _IMAGES) as images_out,
        layout.vectors.open("wb") as vectors_out,
        layout.thumbnails.open("wb") as thumbnails_out,
        layout.colours.open("wb") as colours_out,
        layout.searched.open("wb") if text_weight else nullcontext() as searched_out,
    ):
        arrays = [(vectors_out, "<f2", (dim,)), (colours_out, "|u1", COLOURS_SHAPE)]
        if searched_out is not None:
            arrays.append((searched_out, "<f2", (dim,)))
        for array in arrays:
            _write_header(0, *array)
        for batch in _batches(products, _BATCH):
            products_out.write_batch(_product_batch(batch, image_count))
            keys.append(id_keys(product.id for product in batch))
            fields_out.write_batch(to_batch([product.fields for product in batch], types))
            for product in batch:
                keywords.add(product.id, product.fields)
            pairs = [
                (product_count + n, image)
                for n, product in enumerate(batch)
                for image in product.images
            ]
            images_out.write_batch(_image_batch(pairs, thumbnails_out.tell()))
            contents.append(_content_keys(pairs))
            for _, image in pairs:
                vectors_out.write(image.vector.tobytes())
                thumbnails_out.write(image.thumbnail)
                colours = image.colours
                colours = measured_on(image.thumbnail) if colours is None else colours
                colours_out.write(colours.tobytes())
                if searched_out is not None:
                    assert image.searched is not None
                    searched_out.write(image.searched.tobytes())
            product_count += len(batch)
            image_count += len(pairs)
        for array in arrays:
            array[0].seek(0)
            _write_header(image_count, *array)
    Lookup.write(layout.product_lookup, _joined(keys))
    Lookup.write(layout.image_lookup, _joined(contents))
    texts = TEXT_FILES if text_weight else ()
    names = (*SEGMENT_FILES, *LOOKUP_FILES, *COLOUR_FILES, *texts, *keywords.close())
    record = neighbours(layout)
    sealed = _seal(layout, names, record, products=product_count, images=image_count)
    return replace(sealed, text_weight=text_weight)


def _batches(products: Iterable[NewProduct], size: int) -> Iterator[list[NewProduct]]:
    batch: list[NewProduct] = []
    for product in products:
        batch.append(product)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _product_batch(batch: Sequence[NewProduct], first_image: int) -> pa.RecordBatch:
    counts = [len(product.images) for product in batch]
    starts = first_image + np.concatenate([[0], np.cumsum(counts[:-1], dtype=np.int64)])
    columns = [
        pa.array([product.id for product in batch], pa.string()),
        pa.array(starts, pa.int64()),
        pa.array(counts, pa.int32()),
        pa.array([product.digest for product in batch], pa.binary(DIGEST_BYTES)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_PRODUCTS)


def _image_batch(pairs: Sequence[tuple[int, NewImage]], offset: int) -> pa.RecordBatch:
    sizes = [len(image.thumbnail) for _, image in pairs]
    offsets = offset + np.concatenate([[0], np.cumsum(sizes[:-1], dtype=np.int64)])
    columns = [
        pa.array([product for product, _ in pairs], pa.int64()),
        pa.array([image.sha256 for _, image in pairs], pa.binary(32)),
        pa.array([image.location for _, image in pairs], pa.string()),
        pa.array(offsets, pa.int64()),
        pa.array(sizes, pa.int32()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_IMAGES)


def _content_keys(pairs: Sequence[tuple[int, NewImage]]) -> KeyArray:
    joined = b"".join(image.sha256 for _, image in pairs)
    return content_keys(np.frombuffer(joined, np.uint8).reshape(-1, 32))


def _joined(parts: Sequence[KeyArray]) -> KeyArray:
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _write_header(count: int, file: Any, kind: str, shape: tuple[int, ...]) -> None:
    # numpy pads this header so that the first axis can grow without moving the data.
    header = {"descr": kind, "fortran_order": False, "shape": (count, *shape)}
    npy.write_array_header_1_0(file, header)


def _seal(
    layout: SegmentLayout,
    names: Sequence[str],
    neighbours: NeighboursRecord,
    *,
    products: int,
    images: int,
) -> SegmentRecord:
    files = {}
    for name in names:
        path = layout.root / name
        sync_file(path)
        files[name] = FileRecord(bytes=path.stat().st_size, sha256=sha256_of(path))
    if layout.keywords.is_dir():
        sync_folder(layout.keywords)
    sync_folder(layout.root)
    return SegmentRecord(layout.root.name, products, images, files, neighbours)
