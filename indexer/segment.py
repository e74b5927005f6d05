"""Segments: immutable runs of products with their vectors, neighbours, fields and thumbnails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib import format as npy
from numpy.typing import NDArray

from indexer.durable import sha256_of, sync_file, sync_folder
from indexer.errors import DamagedIndexError
from indexer.fields import FieldType, FieldValue, arrow_schema, to_batch
from indexer.layout import SEGMENT_FILES, SegmentLayout
from indexer.manifest import FileRecord, SegmentRecord
from indexer.neighbours import NeighbourIndex, write_flat

__all__ = ["NewImage", "NewProduct", "Segment", "read_ids", "write_segment"]

_PRODUCTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("first_image", pa.int64(), nullable=False),
        pa.field("images", pa.int32(), nullable=False),
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
    """A picture to be written: its content's SHA-256, `[dim]` float16 vector, and thumbnail."""

    sha256: bytes
    location: str
    vector: NDArray[np.float16]
    thumbnail: bytes


@dataclass(frozen=True)
class NewProduct:
    """A product to be written, with at least one picture."""

    id: str
    fields: Mapping[str, FieldValue]
    images: Sequence[NewImage]


def write_segment(
    layout: SegmentLayout,
    products: Iterable[NewProduct],
    types: Mapping[str, FieldType],
    dim: int,
) -> SegmentRecord:
    """Write a segment, durably, into a folder of its own.

    Args:
        layout: Where to; the folder is made and must be empty.
        products: In the order they shall have; streamed.
        types: Of the product fields.
        dim: Length of the vectors.

    Returns:
        The record for the manifest; its id is the folder's name.
    """
    layout.root.mkdir(parents=True)
    image_count = product_count = 0
    with (
        pa.OSFile(str(layout.products), "wb") as products_file,
        pa.ipc.new_file(products_file, _PRODUCTS) as products_out,
        pa.OSFile(str(layout.fields), "wb") as fields_file,
        pa.ipc.new_file(fields_file, arrow_schema(types)) as fields_out,
        pa.OSFile(str(layout.images), "wb") as images_file,
        pa.ipc.new_file(images_file, _IMAGES) as images_out,
        layout.vectors.open("wb") as vectors_out,
        layout.thumbnails.open("wb") as thumbnails_out,
    ):
        _write_vectors_header(vectors_out, 0, dim)
        for batch in _batches(products, _BATCH):
            products_out.write_batch(_product_batch(batch, image_count))
            fields_out.write_batch(to_batch([product.fields for product in batch], types))
            pairs = [
                (product_count + n, image)
                for n, product in enumerate(batch)
                for image in product.images
            ]
            images_out.write_batch(_image_batch(pairs, thumbnails_out.tell()))
            for _, image in pairs:
                vectors_out.write(image.vector.tobytes())
                thumbnails_out.write(image.thumbnail)
            product_count += len(batch)
            image_count += len(pairs)
        vectors_out.seek(0)
        _write_vectors_header(vectors_out, image_count, dim)
    stored = np.load(layout.vectors, mmap_mode="r")
    write_flat(
        (stored[start : start + _BATCH] for start in range(0, len(stored), _BATCH)),
        dim,
        layout.neighbours,
    )
    return _seal(layout, products=product_count, images=image_count)


def read_ids(layout: SegmentLayout) -> pa.ChunkedArray:
    """The product ids of a segment on disk, by product row."""
    return _read_arrow(layout.products)["id"]


class Segment:
    """A segment opened for reading; its arrays are memory-mapped.

    Rows of pictures and of products are numbers within the segment.
    """

    def __init__(self, layout: SegmentLayout, record: SegmentRecord, dim: int) -> None:
        """Open a segment after checking every file against the manifest.

        Raises:
            DamagedIndexError: If a file is missing or changed, or the files don't fit together.
        """
        _verify(layout, record)
        self.record = record
        try:
            self.vectors: NDArray[np.float16] = np.load(layout.vectors, mmap_mode="r")
            self.neighbours = NeighbourIndex.open(layout.neighbours)
            self._products = _read_arrow(layout.products)
            self._fields = _read_arrow(layout.fields)
            self._images = _read_arrow(layout.images)
            self._thumbnails = _map_bytes(layout.thumbnails)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DamagedIndexError(f"A file of segment {record.id} can't be read.") from error
        lengths = (
            (self.vectors.shape, (record.images, dim)),
            ((self.neighbours.count, self.neighbours.dim), (record.images, dim)),
            (self._images.num_rows, record.images),
            (self._products.num_rows, record.products),
            (self._fields.num_rows, record.products),
        )
        for found, expected in lengths:
            if found != expected:
                raise DamagedIndexError(
                    f"Segment {record.id} holds {found} where its manifest says {expected}."
                )
        self.image_product: NDArray[np.int64] = self._images["product"].to_numpy()

    @property
    def field_table(self) -> pa.Table:
        """The product fields, by product row."""
        return self._fields

    def ids(self) -> pa.ChunkedArray:
        """The product ids, by product row."""
        return self._products["id"]

    def find(self, product_id: str) -> int | None:
        """The row of a product, or None if it is not here."""
        row = pc.index(self._products["id"], product_id).as_py()
        return None if row < 0 else int(row)

    def product_id(self, row: int) -> str:
        """The id of a product."""
        return str(self._products["id"][row])

    def image_rows(self, row: int) -> range:
        """The rows of a product's pictures."""
        first = self._products["first_image"][row].as_py()
        return range(first, first + self._products["images"][row].as_py())

    def fields(self, row: int, names: Sequence[str] | None = None) -> dict[str, FieldValue]:
        """A product's fields, or those of `names`; fields without a value are left out."""
        table = self._fields if names is None else self._fields.select(list(names))
        values: dict[str, Any] = table.slice(row, 1).to_pylist()[0]
        return {name: value for name, value in values.items() if value is not None}

    def location(self, image_row: int) -> str:
        """Where a picture came from: a path below the catalog, a URL, or empty."""
        return str(self._images["location"][image_row])

    def thumbnail(self, image_row: int) -> bytes:
        """A picture's WebP thumbnail; empty where none was kept."""
        offset = self._images["thumbnail_offset"][image_row].as_py()
        length = self._images["thumbnail_bytes"][image_row].as_py()
        return self._thumbnails[offset : offset + length].tobytes()

    def hashes(self) -> NDArray[np.bytes_]:
        """SHA-256 of every picture's content, `[images]` of dtype `S32`."""
        chunks = [
            np.frombuffer(chunk.buffers()[1], dtype="S32")[chunk.offset : chunk.offset + len(chunk)]
            for chunk in self._images["sha256"].chunks
        ]
        return np.concatenate(chunks) if chunks else np.empty(0, dtype="S32")


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


def _write_vectors_header(file: Any, count: int, dim: int) -> None:
    # numpy pads this header so that the first axis can grow without moving the data.
    header = {"descr": "<f2", "fortran_order": False, "shape": (count, dim)}
    npy.write_array_header_1_0(file, header)


def _seal(layout: SegmentLayout, *, products: int, images: int) -> SegmentRecord:
    files = {}
    for name in SEGMENT_FILES:
        path = layout.root / name
        sync_file(path)
        files[name] = FileRecord(bytes=path.stat().st_size, sha256=sha256_of(path))
    sync_folder(layout.root)
    return SegmentRecord(id=layout.root.name, products=products, images=images, files=files)


def _verify(layout: SegmentLayout, record: SegmentRecord) -> None:
    if set(record.files) != set(SEGMENT_FILES):
        raise DamagedIndexError(f"The manifest of segment {record.id} does not list its files.")
    for name, expected in record.files.items():
        path = layout.root / name
        try:
            intact = path.stat().st_size == expected.bytes and sha256_of(path) == expected.sha256
        except OSError as error:
            raise DamagedIndexError(f"{record.id}/{name} is missing or can't be read.") from error
        if not intact:
            raise DamagedIndexError(f"{record.id}/{name} was changed after it was written.")


def _read_arrow(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _map_bytes(path: Path) -> NDArray[np.uint8]:
    if path.stat().st_size == 0:  # an empty file can't be mapped
        return np.empty(0, np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r")
