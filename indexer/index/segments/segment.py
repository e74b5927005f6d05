"""Segments opened for reading; what one holds never changes, what of it is deleted may."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.catalog import DIGEST_BYTES, FieldType, FieldValue, ShownValue, arrow_schema
from indexer.colours import COLOURS_SHAPE, ColourArray, ProductColours
from indexer.errors import DamagedIndexError
from indexer.index.tag_files import TagTable
from indexer.retrieval import Columns, KeywordIndex, NeighbourIndex, Predicate, evaluate
from indexer.storage import (
    COLOUR_FILES,
    KEYWORDS_META,
    LOOKUP_FILES,
    SEGMENT_FILES,
    TEXT_FILES,
    Lookup,
    MappedVectors,
    Mask,
    RowSet,
    SegmentLayout,
    SegmentRecord,
    content_key,
    content_keys,
    id_key,
    id_keys,
    is_keyword_file,
    map_file,
    parse_ranges,
    sha256_of,
)

__all__ = ["Segment"]

# Filters whose rows are kept for the next query: a shopper pages and turns facets on and off.
_FILTERS = 16
_HASHING_THREADS = 4


class Segment:
    """A segment of one generation; its arrays are memory-mapped.

    Rows of pictures and of products are numbers within the segment. Rows of deleted products keep
    their numbers; no method finds them.

    Attributes:
        record: What the manifest says of it.
        alive: Mask over product rows: those that can be found.
        products: How many they are.
        alive_images: The pictures that can be found, or None for all.
        images_where: As `_images_where`, remembering the last filters.
        keywords: Its keyword index, or None where its format has none.
        colours: `[images, 5, 4]` measured colours by picture row, or None where its format has
            none; of a picture that was not measured all shares are 0.
        product_colours: The same by product row.
        tags: The tags of its products, by product row; None where they have none.
    """

    def __init__(self, layout: SegmentLayout, record: SegmentRecord, dim: int) -> None:
        """Open a segment after checking every file against the manifest.

        Raises:
            DamagedIndexError: If a file is missing or changed, or the files don't fit together.
        """
        _verify(layout, record)
        try:
            self._vectors = MappedVectors(layout.vectors)
            with_texts = set(TEXT_FILES) <= set(record.files)
            self._searched = MappedVectors(layout.searched) if with_texts else self._vectors
            self.neighbours = NeighbourIndex.open(
                layout.neighbours,
                self._searched,
                record.neighbours.kind,
                record.neighbours.efforts,
            )
            self._products = _read_arrow(layout.products)
            self._fields = _read_arrow(layout.fields)
            self._images = _read_arrow(layout.images)
            self._thumbnails = memoryview(map_file(layout.thumbnails))
            self.image_product: NDArray[np.int64] = self._images["product"].to_numpy()
            with_lookups = set(LOOKUP_FILES) <= set(record.files)
            self._by_id = Lookup.open(layout.product_lookup) if with_lookups else self._index_ids()
            self._by_content = (
                Lookup.open(layout.image_lookup) if with_lookups else self._index_contents()
            )
            self.keywords = _open_keywords(layout, record)
            self.colours: ColourArray | None = (
                np.load(layout.colours, mmap_mode="r")
                if set(COLOUR_FILES) <= set(record.files)
                else None
            )
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DamagedIndexError(f"A file of segment {record.id} can't be read.") from error
        lengths = (
            (self._vectors.array.shape, (record.images, dim)),
            (self._searched.array.shape, (record.images, dim)),
            ((self.neighbours.count, self.neighbours.dim), (record.images, dim)),
            (self._images.num_rows, record.images),
            (self._products.num_rows, record.products),
            (self._fields.num_rows, record.products),
            (len(self._by_id), record.products),
            (len(self._by_content), record.images),
            (self.keywords.products if self.keywords else record.products, record.products),
            (_form(self.colours), ((record.images, *COLOURS_SHAPE), "|u1")),
        )
        for found, expected in lengths:
            if found is not None and found != expected:
                raise DamagedIndexError(
                    f"Segment {record.id} holds {found} where its manifest says {expected}."
                )
        self.product_colours = (
            None
            if self.colours is None
            else ProductColours(self.colours, self.image_product, record.products)
        )
        self.tags: TagTable | None = None
        self._catalog_fields = tuple(self._fields.column_names)
        self._columns = Columns(self._fields, self.product_colours)
        self._set_record(record)

    def of_generation(self, record: SegmentRecord) -> Segment | None:
        """The same files as another generation has them, or None where they are other files."""
        if (record.id, record.files) != (self.record.id, self.record.files):
            return None
        other = copy.copy(self)
        other._set_record(record)
        return other

    def _set_record(self, record: SegmentRecord) -> None:
        self.record = record
        try:
            deleted = parse_ranges(record.deleted, record.products)
        except ValueError as error:
            raise DamagedIndexError(
                f"The list of deleted rows of segment {record.id} is damaged."
            ) from error
        self.alive: Mask = ~deleted
        self.products = int(np.count_nonzero(self.alive))
        # One cache for each generation, gone with it: by a weak reference, since a cycle would keep
        # the files of a deleted generation open until the collector comes by.
        self.images_where = lru_cache(maxsize=_FILTERS)(
            partial(Segment._images_where, weakref.proxy(self))
        )
        everything = self.products == record.products
        self.alive_images = None if everything else RowSet(self._of_images(self.alive))

    def set_types(self, types: Mapping[str, FieldType], tags: TagTable | None = None) -> None:
        """Give the fields the types that the generation has: more columns, or wider numbers.

        Args:
            types: Of the catalog's fields.
            tags: The tags of the products, which become fields beside the catalog's.

        Raises:
            DamagedIndexError: If a column can't have its type.
        """
        former, self.tags = self.tags, tags
        self._catalog_fields = tuple(types)
        schema = arrow_schema(types)
        columns = []
        for field in schema:
            if field.name not in self._fields.column_names:
                columns.append(pa.chunked_array([pa.nulls(self._fields.num_rows, field.type)]))
                continue
            column = self._fields[field.name]
            if column.type != field.type and not _widens(column.type, field.type):
                raise DamagedIndexError(
                    f"Field {field.name!r} of segment {self.record.id} is {column.type} where the "
                    f"manifest says {field.type}."
                )
            columns.append(column.cast(field.type))
        if tags is not None:
            # The catalog's own column of that name goes first.
            shown = [field for field in tags.table.schema if field.name not in types]
            columns += [tags.table[field.name] for field in shown]
            schema = pa.schema([*schema, *shown])
        table = pa.table(columns, schema=schema) if columns else self._fields.select([])
        if tags is not former or table.schema != self._columns.table.schema:
            self._columns = Columns(table, self.product_colours)

    def accepts_types(self, types: Mapping[str, FieldType]) -> bool:
        """Whether `set_types` would take these."""
        wanted = arrow_schema(types)
        return all(
            field.name in wanted.names
            and (
                field.type == wanted.field(field.name).type
                or _widens(field.type, wanted.field(field.name).type)
            )
            for field in self._fields.schema
        )

    @property
    def images(self) -> int:
        """Number of pictures that can be found."""
        return self.record.images - self.record.deleted_images

    def _images_where(self, predicate: Predicate) -> tuple[RowSet, int]:
        """The pictures of products for which a predicate holds, and the number of the products."""
        products = self.products_where(predicate)
        return RowSet(self._of_images(products)), int(np.count_nonzero(products))

    def products_where(self, predicate: Predicate | None) -> Mask:
        """The products that can be found, of which a predicate holds if there is one."""
        if predicate is None:
            return self.alive
        return evaluate(predicate, self._columns) & self.alive

    def _of_images(self, products: Mask) -> Mask:
        if self.record.products == self.record.images:  # every product has one picture
            return products
        return products[self.image_product]

    @property
    def vectors(self) -> NDArray[np.float16]:
        """`[images, dim]` unit vectors of pictures, by picture row."""
        return self._vectors.array

    @property
    def searched(self) -> NDArray[np.float16]:
        """`[images, dim]` unit vectors that queries are compared with: with titles, if mixed in."""
        return self._searched.array

    @property
    def field_table(self) -> pa.Table:
        """The product fields, by product row."""
        return self._columns.table

    def find(self, product_id: str) -> int | None:
        """The row of a product, or None if it is not here or deleted."""
        for row in self._by_id.rows(id_key(product_id)):
            if self.alive[row] and self.product_id(row) == product_id:
                return row
        return None

    def find_content(self, sha256: bytes) -> int | None:
        """The row of a picture with this content, deleted ones included, or None."""
        hashes = self._images["sha256"]
        for row in self._by_content.rows(content_key(sha256)):
            if hashes[row].as_py() == sha256:
                return row
        return None

    def product_id(self, row: int) -> str:
        """The id of a product."""
        return str(self._products["id"][row])

    def digest(self, row: int) -> bytes:
        """A product's `product_digest`; zeros where the segment's format has none."""
        if "digest" not in self._products.column_names:
            return bytes(DIGEST_BYTES)
        return bytes(self._products["digest"][row].as_py())

    def image_rows(self, row: int) -> range:
        """The rows of a product's pictures."""
        first = self._products["first_image"][row].as_py()
        return range(first, first + self._products["images"][row].as_py())

    def best_images(
        self, rows: NDArray[np.int64], vector: FloatArray
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """For some products the picture that is nearest to a unit vector.

        Args:
            rows: `[n]` product rows.
            vector: `[dim]`.

        Returns:
            Cosines and picture rows, both `[n]`; of equally near pictures the first.
        """
        first = np.searchsorted(self.image_product, rows)
        counts = np.searchsorted(self.image_product, rows, side="right") - first
        owners = np.repeat(np.arange(len(rows)), counts)
        starts = np.cumsum(counts) - counts
        images = first[owners] + np.arange(len(owners)) - starts[owners]
        cosines = self._searched.take(images) @ vector
        # Nearest first within each product; then its first is its best.
        order = np.lexsort((images, -cosines, owners))[starts]
        return cosines[order], images[order]

    def fields(self, row: int, names: Sequence[str] | None = None) -> dict[str, ShownValue]:
        """A product's fields, or those of `names`; fields without a value are left out."""
        table = self.field_table if names is None else self.field_table.select(list(names))
        values: dict[str, Any] = table.slice(row, 1).to_pylist()[0]
        return {name: value for name, value in values.items() if value not in (None, [])}

    def catalog_row(self, row: int) -> dict[str, FieldValue]:
        """A product's fields that the catalog gave, without those of tags."""
        shown = self.fields(row, self._catalog_fields)
        return {name: value for name, value in shown.items() if not isinstance(value, list)}

    def content(self, image_row: int) -> bytes:
        """The SHA-256 of a picture's content."""
        return bytes(self._images["sha256"][image_row].as_py())

    def location(self, image_row: int) -> str:
        """Where a picture came from: a path below the catalog, a URL, or empty."""
        return str(self._images["location"][image_row])

    def thumbnail(self, image_row: int) -> bytes:
        """A picture's WebP thumbnail; empty where none was kept."""
        offset = self._images["thumbnail_offset"][image_row].as_py()
        length = self._images["thumbnail_bytes"][image_row].as_py()
        return self._thumbnails[offset : offset + length].tobytes()

    def count_images(self, products: Mask) -> int:
        """How many pictures some products have; `products` is a mask over product rows."""
        return int(self._products["images"].to_numpy()[products].sum())

    def _index_ids(self) -> Lookup:
        return Lookup.of(id_keys(self._products["id"].to_pylist()))

    def _index_contents(self) -> Lookup:
        joined = b"".join(self._images["sha256"].to_pylist())
        return Lookup.of(content_keys(np.frombuffer(joined, np.uint8).reshape(-1, 32)))


def _form(array: ColourArray | None) -> tuple[tuple[int, ...], str] | None:
    return None if array is None else (array.shape, array.dtype.str)


def _widens(narrow: pa.DataType, wide: pa.DataType) -> bool:
    """Whether a column can be read as another type: whole numbers as floats."""
    return bool(pa.types.is_int64(narrow) and pa.types.is_float64(wide))


def _verify(layout: SegmentLayout, record: SegmentRecord) -> None:
    names = {name for name in record.files if not is_keyword_file(name)}
    known = {*SEGMENT_FILES, *LOOKUP_FILES, *TEXT_FILES, *COLOUR_FILES}
    if not set(SEGMENT_FILES) <= names <= known:
        raise DamagedIndexError(f"The manifest of segment {record.id} does not list its files.")
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:
        problems = pool.map(lambda name: _problem(layout, record, name), record.files)
    for problem in problems:
        if problem is not None:
            raise DamagedIndexError(problem)


def _problem(layout: SegmentLayout, record: SegmentRecord, name: str) -> str | None:
    expected = record.files[name]
    path = layout.root / name
    try:
        if path.stat().st_size == expected.bytes and sha256_of(path) == expected.sha256:
            return None
    except OSError:
        return f"{record.id}/{name} is missing or can't be read."
    return f"{record.id}/{name} was changed after it was written."


def _open_keywords(layout: SegmentLayout, record: SegmentRecord) -> KeywordIndex | None:
    if KEYWORDS_META not in record.files:
        return None
    return KeywordIndex.open(layout.root, [name for name in record.files if is_keyword_file(name)])


def _read_arrow(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(map_file(path)))).read_all()
