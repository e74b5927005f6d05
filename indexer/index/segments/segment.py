"""A segment in one generation: its products and images that can be found, and search in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from cachetools import LRUCache
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.catalog import DIGEST_BYTES, FieldType, FieldValue
from indexer.errors import DamagedIndexError
from indexer.index.segments.field_types import accepts_types, typed_fields
from indexer.index.segments.files import SegmentFiles
from indexer.index.tag_files import TagTable
from indexer.retrieval import Columns, Predicate, evaluate
from indexer.storage import (
    Mask,
    QueryKind,
    RowSet,
    SegmentRecord,
    content_key,
    id_key,
    parse_ranges,
)

__all__ = ["NearestRows", "Segment"]

# Filters whose rows are kept for the next query: a shopper pages and turns facets on and off.
_CACHED_FILTERS = 16
# How much further a search looks when images of the same products took the places.
_DEEPER = 4


class _Passing(NamedTuple):
    """What passes a filter: the images, and the number of the products that own them."""

    images: RowSet | None
    products: int


class NearestRows(NamedTuple):
    """Products that are nearest to a vector, nearest first, each `[n]`.

    Attributes:
        scores: Cosines of their best images.
        products: Their rows.
        images: The rows of those images.
    """

    scores: FloatArray
    products: NDArray[np.int64]
    images: NDArray[np.int64]


class Segment:
    """One generation's view of a segment; immutable and safe to read from several threads.

    Rows of images and of products are numbers within the segment. Rows of deleted products keep
    their numbers; no method finds them.

    Attributes:
        record: What the manifest says of it.
        states: The state of each file when it was verified, by its name.
        alive: Mask over product rows: those that can be found.
        products: Number of products that can be found.
        alive_images: The images that can be found, or None for all.
        vectors: `[images, dim]` float16 unit vectors by image row.
        adapted: The same by the index's map; `vectors` where there is none.
        searched: `[images, dim]` float16 unit vectors that queries are compared with: `adapted`,
            with titles if they are mixed in.
        features: `[images, width]` float16, what the map takes; None where they are not kept.
        neighbours: The FAISS index over `searched`.
        keywords: The keyword index, or None where the segment's format has none.
        image_product: `[images]` the product row of each image, ascending.
        colours: `[images, 5, 4]` measured colours by image row, or None where the segment's format
            has none; all shares of an image that was not measured are 0.
        product_colours: The same, to be asked by product row.
        tags: The tags of its products, by product row; None where they have none.
    """

    def __init__(
        self,
        files: SegmentFiles,
        record: SegmentRecord,
        types: Mapping[str, FieldType],
        tags: TagTable | None = None,
        columns: Columns | None = None,
    ) -> None:
        """View a segment's files as a generation does.

        Args:
            files: The opened files.
            record: What the generation's manifest says of the segment.
            types: The types of the catalog's fields in the generation.
            tags: The tags of the products, which become fields beside the catalog's.
            columns: The fields as filters read them, where another view has made them.

        Raises:
            DamagedIndexError: The list of deleted rows is damaged, or a field can't have its type.
        """
        self.record = record
        self.states = files.states
        self.tags = tags
        self.vectors = files.vectors.array
        self.adapted = files.adapted.array
        self.searched = files.searched.array
        self.features = files.features
        self.neighbours = files.neighbours
        self.keywords = files.keywords
        self.image_product = files.image_product
        self.colours = files.colours
        self.product_colours = files.product_colours
        self._files = files
        self._types = dict(types)
        self._columns = columns or Columns(
            typed_fields(files.fields, types, tags.table if tags else None, record.id),
            files.product_colours,
        )
        self.alive: Mask = ~_deleted_rows(record)
        self.products = int(np.count_nonzero(self.alive))
        everything = self.products == record.products
        self.alive_images = None if everything else RowSet(self._images_of(self.alive))
        self._filters: LRUCache[Predicate, _Passing] = LRUCache(_CACHED_FILTERS)
        self._filters_lock = Lock()

    def in_generation(
        self, record: SegmentRecord, types: Mapping[str, FieldType], tags: TagTable | None
    ) -> Segment:
        """View the same files as another generation does; what both have in common is shared.

        Raises:
            DamagedIndexError: As for a new view.
        """
        same_columns = tags is self.tags and [*types.items()] == [*self._types.items()]
        if same_columns and record == self.record:
            return self
        return Segment(self._files, record, types, tags, self._columns if same_columns else None)

    def accepts_types(self, types: Mapping[str, FieldType]) -> bool:
        """Return whether a generation may give the stored fields these types."""
        return accepts_types(self._files.fields.schema, types)

    @property
    def images(self) -> int:
        """Number of images that can be found."""
        return self.record.images - self.record.deleted_images

    @property
    def field_table(self) -> pa.Table:
        """The product fields, by product row."""
        return self._columns.table

    @property
    def short_texts(self) -> list[pa.ChunkedArray]:
        """The fields of texts whose values are no descriptions, by product row."""
        table = self._columns.table
        fields = [table[name] for name in self._columns.short_texts]
        return [column for column in fields if pa.types.is_string(column.type)]

    def nearest(
        self, vector: FloatArray, k: int, where: Predicate | None, kind: QueryKind
    ) -> NearestRows:
        """Return the k products whose best image is nearest to a unit vector, nearest first.

        Args:
            vector: `[dim]`.
            k: How many products; fewer only if fewer can be found.
            where: Which products may be found; all by default.
            kind: What the vector was made of.
        """
        if where is None:
            passing = _Passing(self.alive_images, self.products)
        else:
            passing = self._passing(where)
        wanted = min(k, passing.products)
        depth = k
        while True:
            scores, images = self.neighbours.search(vector, depth, passing.images, kind)
            products = self.image_product[images]
            _, first = np.unique(products, return_index=True)
            if len(first) >= wanted:
                break
            depth *= _DEEPER
        best = np.sort(first)[:wanted]
        return NearestRows(scores[best], products[best], images[best])

    def best_images(
        self, rows: NDArray[np.int64], vector: FloatArray
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """Return for some products the image that is nearest to a unit vector.

        Args:
            rows: `[n]` product rows.
            vector: `[dim]`.

        Returns:
            Cosines and image rows, both `[n]`; of equally near images the first.
        """
        first = np.searchsorted(self.image_product, rows)
        counts = np.searchsorted(self.image_product, rows, side="right") - first
        owners = np.repeat(np.arange(len(rows)), counts)
        starts = np.cumsum(counts) - counts
        images = first[owners] + np.arange(len(owners)) - starts[owners]
        cosines = self._files.searched.take(images) @ vector
        # Nearest first within each product; then its first is its best.
        order = np.lexsort((images, -cosines, owners))[starts]
        return cosines[order], images[order]

    def products_where(self, predicate: Predicate | None) -> Mask:
        """Return a mask over the products that can be found and pass a filter, if there is one."""
        if predicate is None:
            return self.alive
        return evaluate(predicate, self._columns) & self.alive

    # Not `cachetools.cachedmethod`: its wrapper and this object would refer to each other, and keep
    # the files of a deleted generation open until the garbage collector runs.
    def _passing(self, predicate: Predicate) -> _Passing:
        with self._filters_lock:
            passing = self._filters.get(predicate)
        if passing is None:
            products = self.products_where(predicate)
            images = RowSet(self._images_of(products))
            passing = _Passing(images, int(np.count_nonzero(products)))
            with self._filters_lock:
                self._filters[predicate] = passing
        return passing

    def _images_of(self, products: Mask) -> Mask:
        if self.record.products == self.record.images:  # every product has one image
            return products
        return products[self.image_product]

    def find(self, product_id: str) -> int | None:
        """Return the row of a product, or None if it is not here or deleted."""
        for row in self._files.by_id.rows(id_key(product_id)):
            if self.alive[row] and self.product_id(row) == product_id:
                return row
        return None

    def find_content(self, sha256: bytes) -> int | None:
        """Return the row of an image with this content, deleted ones included, or None."""
        hashes = self._files.images["sha256"]
        for row in self._files.by_content.rows(content_key(sha256)):
            if hashes[row].as_py() == sha256:
                return row
        return None

    def product_id(self, row: int) -> str:
        """Return the id of a product."""
        return str(self._files.products["id"][row])

    def digest(self, row: int) -> bytes:
        """Return a product's `product_digest`; zeros where the segment's format has none."""
        return bytes(self._digests[row])

    # Read by updates alone, and so not before they ask.
    @cached_property
    def _digests(self) -> NDArray[np.uint8]:
        """`[products, 16]`."""
        products = self._files.products
        if "digest" not in products.column_names:
            return np.zeros((len(products), DIGEST_BYTES), np.uint8)
        chunks = [
            np.frombuffer(chunk.buffers()[1], np.uint8).reshape(-1, DIGEST_BYTES)[
                chunk.offset : chunk.offset + len(chunk)
            ]
            for chunk in products["digest"].chunks
            if len(chunk)
        ]
        return np.concatenate([np.empty((0, DIGEST_BYTES), np.uint8), *chunks])

    def image_rows(self, row: int) -> range:
        """Return the rows of a product's images."""
        products = self._files.products
        first = products["first_image"][row].as_py()
        return range(first, first + products["images"][row].as_py())

    def count_images(self, products: Mask) -> int:
        """Return how many images some products have, given as a mask over product rows."""
        return int(self._files.products["images"].to_numpy()[products].sum())

    def fields(self, row: int, names: Sequence[str] | None = None) -> dict[str, FieldValue]:
        """Return a product's fields, or those of `names`, without those that have no value."""
        table = self.field_table if names is None else self.field_table.select(list(names))
        values: dict[str, Any] = table.slice(row, 1).to_pylist()[0]
        return {name: value for name, value in values.items() if value not in (None, [])}

    def catalog_row(self, row: int) -> dict[str, FieldValue]:
        """Return a product's fields that the catalog gave, without those of tags."""
        return self.fields(row, list(self._types))

    def content(self, image_row: int) -> bytes:
        """Return the SHA-256 of an image's content."""
        return bytes(self._files.images["sha256"][image_row].as_py())

    def location(self, image_row: int) -> str:
        """Return where an image came from: a path below the catalog, a URL, or empty."""
        return str(self._files.images["location"][image_row])

    def findings(self, image_row: int) -> str:
        """Return what an examination of an image found, as JSON; empty where there was none."""
        if "findings" not in self._files.images.column_names:
            return ""
        return str(self._files.images["findings"][image_row].as_py() or "")

    def thumbnail(self, image_row: int) -> bytes:
        """Return an image's WebP thumbnail; empty where none was kept."""
        offset = self._files.images["thumbnail_offset"][image_row].as_py()
        length = self._files.images["thumbnail_bytes"][image_row].as_py()
        return self._files.thumbnails[offset : offset + length].tobytes()


def _deleted_rows(record: SegmentRecord) -> Mask:
    try:
        return parse_ranges(record.deleted, record.products)
    except ValueError as error:
        raise DamagedIndexError(
            f"The list of deleted rows of segment {record.id} is damaged."
        ) from error
