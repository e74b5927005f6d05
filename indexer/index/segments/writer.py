"""Writing of segments: immutable runs of products with their vectors, neighbours and fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer.catalog import DIGEST_BYTES, FieldType, FieldValue, arrow_schema, to_batch
from indexer.colours import COLOURS_SHAPE, ColourArray, measure_thumbnail
from indexer.index.segments.column_files import ArrayFile, ArrowFile, BlobFile
from indexer.retrieval import KeywordWriter, write_neighbours
from indexer.storage import (
    ADAPTED_FILES,
    COLOUR_FILES,
    FEATURE_FILES,
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

_SHA256_BYTES = 32
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
        pa.field("sha256", pa.binary(_SHA256_BYTES), nullable=False),
        pa.field("location", pa.string(), nullable=False),
        pa.field("thumbnail_offset", pa.int64(), nullable=False),
        pa.field("thumbnail_bytes", pa.int32(), nullable=False),
    ]
)
# Beside the columns of `_IMAGES`, where the images were examined.
_FINDINGS = pa.field("findings", pa.string(), nullable=True)
# Products in one Arrow batch: large enough that a lookup meets few batches, small enough that a
# writer holds little.
_BATCH = 32_768


@dataclass(frozen=True)
class NewImage:
    """An image to be written.

    Attributes:
        sha256: SHA-256 of its content.
        location: Where it came from.
        vector: `[dim]` float16, of length 1.
        thumbnail: WebP; empty for none.
        searched: The vector with the title mixed in, where it is computed already.
        colours: `[5, 4]` measured colours; None measures them on the thumbnail, if there is one.
        findings: What an examination found, as JSON; empty for none.
        features: `[width]` float16, what a map takes; None where they are not known.
        adapted: `[dim]` float16, the vector by the map, where it is computed already.
    """

    sha256: bytes
    location: str
    vector: NDArray[np.float16]
    thumbnail: bytes
    searched: NDArray[np.float16] | None = None
    colours: ColourArray | None = None
    findings: str = ""
    features: NDArray[np.float16] | None = None
    adapted: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class NewProduct:
    """A product to be written, with at least one image and its `product_digest`."""

    id: str
    fields: Mapping[str, FieldValue]
    images: Sequence[NewImage]
    digest: bytes


def new_segment_id() -> str:
    """Return a segment id that is unique, and sorts by time so that a folder lists in order."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"


def write_flat(layout: SegmentLayout) -> NeighboursRecord:
    """Write the FAISS index that compares a query with every vector of a segment."""
    write_neighbours(searched_vectors(layout).array, IndexKind.FLAT, layout.neighbours)
    return NeighboursRecord()


def write_segment(
    layout: SegmentLayout,
    products: Iterable[NewProduct],
    types: Mapping[str, FieldType],
    dim: int,
    neighbours: Callable[[SegmentLayout], NeighboursRecord] = write_flat,
    text_weight: float = 0.0,
    *,
    findings: bool = False,
    adaptation: str = "",
    features: int = 0,
) -> SegmentRecord:
    """Write a segment, durably, into a folder of its own.

    Args:
        layout: Where to; the folder is made and must not exist.
        products: In row order; streamed.
        types: Of the product fields.
        dim: Length of the vectors.
        neighbours: Writes the FAISS index over the vectors once they are there.
        text_weight: The titles' share in the images' `searched` vectors, 0 to 1; above 0 every
            image has such a vector.
        findings: Whether what was found in the images is written.
        adaptation: SHA-256 of the map; if there is one, every image has an `adapted` vector.
        features: Number of features of an image that are kept; above 0 every image has them.

    Returns:
        The record for the manifest; its id is the folder's name.

    Raises:
        OSError: A file can't be written.
    """
    layout.root.mkdir(parents=True)
    with ExitStack() as opened:
        writer = _SegmentWriter(
            layout,
            types,
            dim,
            opened,
            with_text=text_weight > 0,
            with_findings=findings,
            with_map=bool(adaptation),
            features=features,
        )
        rows = iter(products)
        while batch := list(islice(rows, _BATCH)):
            writer.add(batch)
    names = writer.finish()
    record = neighbours(layout)
    sealed = _seal(layout, names, record, products=writer.products, images=writer.images)
    return replace(sealed, text_weight=text_weight, adaptation=adaptation)


class _SegmentWriter:
    """Writes all files of a segment but the FAISS index, a batch of products at a time.

    The files that grow are complete when `opened` closes; `finish` then writes the others.
    """

    def __init__(
        self,
        layout: SegmentLayout,
        types: Mapping[str, FieldType],
        dim: int,
        opened: ExitStack,
        *,
        with_text: bool,
        with_findings: bool,
        with_map: bool,
        features: int,
    ) -> None:
        self.products = 0
        self.images = 0
        self._layout = layout
        self._types = types
        self._id_keys: list[KeyArray] = []
        self._content_keys: list[KeyArray] = []
        self._keywords = KeywordWriter(layout.keywords)
        self._product_rows = opened.enter_context(ArrowFile(layout.products, _PRODUCTS))
        self._fields = opened.enter_context(ArrowFile(layout.fields, arrow_schema(types)))
        self._image_schema = _IMAGES.append(_FINDINGS) if with_findings else _IMAGES
        self._image_rows = opened.enter_context(ArrowFile(layout.images, self._image_schema))
        self._vectors = opened.enter_context(ArrayFile(layout.vectors, "<f2", (dim,)))
        self._thumbnails = opened.enter_context(BlobFile(layout.thumbnails))
        self._colours = opened.enter_context(ArrayFile(layout.colours, "|u1", COLOURS_SHAPE))
        self._searched: ArrayFile | None = None
        if with_text:
            self._searched = opened.enter_context(ArrayFile(layout.searched, "<f2", (dim,)))
        self._adapted: ArrayFile | None = None
        if with_map:
            self._adapted = opened.enter_context(ArrayFile(layout.adapted, "<f2", (dim,)))
        self._features: ArrayFile | None = None
        if features:
            self._features = opened.enter_context(ArrayFile(layout.features, "<f2", (features,)))

    def add(self, batch: Sequence[NewProduct]) -> None:
        """Append products in row order."""
        self._product_rows.append(_product_batch(batch, self.images))
        self._id_keys.append(id_keys(product.id for product in batch))
        self._fields.append(to_batch([product.fields for product in batch], self._types))
        for product in batch:
            self._keywords.add(product.id, product.fields)
        pairs = [
            (row, image)
            for row, product in enumerate(batch, start=self.products)
            for image in product.images
        ]
        self._image_rows.append(_image_batch(pairs, self._thumbnails.size, self._image_schema))
        self._content_keys.append(_content_keys(pairs))
        for _, image in pairs:
            self._add_image(image)
        self.products += len(batch)
        self.images += len(pairs)

    def _add_image(self, image: NewImage) -> None:
        self._vectors.append(image.vector.tobytes())
        self._thumbnails.append(image.thumbnail)
        colours = measure_thumbnail(image.thumbnail) if image.colours is None else image.colours
        self._colours.append(colours.tobytes())
        if self._searched is not None:
            assert image.searched is not None
            self._searched.append(image.searched.tobytes())
        if self._adapted is not None:
            assert image.adapted is not None
            self._adapted.append(image.adapted.tobytes())
        if self._features is not None:
            assert image.features is not None
            self._features.append(image.features.tobytes())

    def finish(self) -> tuple[str, ...]:
        """Write the lookups and the keyword index; returns the names of a segment's files."""
        Lookup.write(self._layout.product_lookup, _joined(self._id_keys))
        Lookup.write(self._layout.image_lookup, _joined(self._content_keys))
        texts = TEXT_FILES if self._searched is not None else ()
        adapted = ADAPTED_FILES if self._adapted is not None else ()
        features = FEATURE_FILES if self._features is not None else ()
        keywords = self._keywords.close()
        return (
            *SEGMENT_FILES,
            *LOOKUP_FILES,
            *COLOUR_FILES,
            *texts,
            *adapted,
            *features,
            *keywords,
        )


def _product_batch(batch: Sequence[NewProduct], first_image: int) -> pa.RecordBatch:
    counts = [len(product.images) for product in batch]
    columns = [
        pa.array([product.id for product in batch], pa.string()),
        pa.array(_starts(counts, first_image), pa.int64()),
        pa.array(counts, pa.int32()),
        pa.array([product.digest for product in batch], pa.binary(DIGEST_BYTES)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_PRODUCTS)


def _image_batch(
    pairs: Sequence[tuple[int, NewImage]], offset: int, schema: pa.Schema
) -> pa.RecordBatch:
    sizes = [len(image.thumbnail) for _, image in pairs]
    columns = [
        pa.array([product for product, _ in pairs], pa.int64()),
        pa.array([image.sha256 for _, image in pairs], pa.binary(_SHA256_BYTES)),
        pa.array([image.location for _, image in pairs], pa.string()),
        pa.array(_starts(sizes, offset), pa.int64()),
        pa.array(sizes, pa.int32()),
    ]
    if _FINDINGS in schema:
        columns.append(pa.array([image.findings or None for _, image in pairs], pa.string()))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _starts(lengths: Sequence[int], first: int) -> NDArray[np.int64]:
    """Return where each of some runs begins, one after another from `first`."""
    return first + np.concatenate([[0], np.cumsum(lengths[:-1], dtype=np.int64)])


def _content_keys(pairs: Sequence[tuple[int, NewImage]]) -> KeyArray:
    joined = b"".join(image.sha256 for _, image in pairs)
    return content_keys(np.frombuffer(joined, np.uint8).reshape(-1, _SHA256_BYTES))


def _joined(parts: Sequence[KeyArray]) -> KeyArray:
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _seal(
    layout: SegmentLayout,
    names: Sequence[str],
    neighbours: NeighboursRecord,
    *,
    products: int,
    images: int,
) -> SegmentRecord:
    """Make a segment's files durable and record their sizes and hashes."""
    files = {}
    for name in names:
        path = layout.root / name
        sync_file(path)
        files[name] = FileRecord(bytes=path.stat().st_size, sha256=sha256_of(path))
    if layout.keywords.is_dir():
        sync_folder(layout.keywords)
    sync_folder(layout.root)
    return SegmentRecord(layout.root.name, products, images, files, neighbours)
