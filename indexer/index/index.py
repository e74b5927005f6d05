"""An index folder opened for reading: search, products, pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from embeddings import EncoderSpec, FloatArray
from indexer.catalog import FieldType, FieldValue, ShownValue
from indexer.colours import MeasuredColours
from indexer.errors import (
    DamagedIndexError,
    EncoderMismatchError,
    NoIndexError,
    QueryError,
    UnknownProductError,
)
from indexer.index.segments import Segment
from indexer.index.tag_files import TagTable, checked_file, open_tags
from indexer.retrieval import Predicate
from indexer.storage import (
    Layout,
    Manifest,
    QueryKind,
    SegmentRecord,
    generations,
    live_generation,
    read_manifest,
)

__all__ = ["FACET_VALUES", "Found", "Index", "Match", "Product", "StoredImage", "index_exists"]

FACET_VALUES = 100

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StoredImage:
    """A picture of a product: where it came from (empty for bytes in Parquet)."""

    location: str


@dataclass(frozen=True)
class Product:
    """A product as the index keeps it; fields without a value are left out."""

    id: str
    fields: dict[str, ShownValue]
    images: tuple[StoredImage, ...]


@dataclass(frozen=True)
class Match:
    """A product found by a search.

    Attributes:
        id: The product.
        score: Cosine between the query and the product's best picture, -1 to 1.
        image: Which of the product's pictures that is, from 0.
        fields: The product's fields, as asked for.
        confidence: Probability, 0 to 1, that it is what was asked for; None where the index has no
            calibration, or nobody asked.
        grouped: Ids of other products that this hit stands for (`search.ranking`), best first.
    """

    id: str
    score: float
    image: int
    fields: dict[str, ShownValue]
    confidence: float | None = None
    grouped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """Where a product stands that a search found.

    Attributes:
        score: Cosine between the query and the product's best picture.
        segment: The number of its segment.
        row: Its row there.
        image: The row of that picture there.
    """

    score: float
    segment: int
    row: int
    image: int


@dataclass(frozen=True)
class _Place:
    segment: Segment
    row: int


class Index:
    """One generation of an index, immutable and safe to read from several threads."""

    def __init__(
        self,
        manifest: Manifest,
        segments: Sequence[Segment],
        tags: Sequence[TagTable | None] | None = None,
    ) -> None:
        self.manifest = manifest
        self._segments = tuple(segments)
        types = {name: FieldType(kind) for name, kind in manifest.fields.items()}
        of_segments = tags if tags is not None else [None] * len(self._segments)
        for segment, of_segment in zip(self._segments, of_segments, strict=True):
            segment.set_types(types, of_segment)

    @classmethod
    def open(
        cls, path: Path, generation: int | None = None, *, previous: Index | None = None
    ) -> Index:
        """Open the live generation, or, if that is damaged, the newest intact one.

        Args:
            path: The index folder.
            generation: Open exactly this one instead.
            previous: Another generation of the same folder; what both have is taken from it and not
                read again.

        Raises:
            NoIndexError: If nothing was ever published there.
            DamagedIndexError: If no generation is intact, or the one asked for is not.
        """
        layout = Layout(path)
        if generation is not None:
            return cls._open_generation(layout, generation, previous)
        damage: DamagedIndexError | None = None
        try:
            return cls._open_generation(layout, live_generation(layout), previous)
        except DamagedIndexError as error:
            damage = error
        for candidate in generations(layout):
            try:
                index = cls._open_generation(layout, candidate, previous)
            except DamagedIndexError:
                continue
            _log.warning(
                "live generation is damaged, serving another one",
                problem=damage.message,
                generation=candidate,
            )
            return index
        raise DamagedIndexError(
            f"No generation of this index is intact. {damage.message} Rebuild it."
        ) from damage

    @classmethod
    def _open_generation(cls, layout: Layout, generation: int, previous: Index | None) -> Index:
        return cls.of_manifest(layout, read_manifest(layout, generation), previous)

    @classmethod
    def of_manifest(
        cls, layout: Layout, manifest: Manifest, previous: Index | None = None
    ) -> Index:
        """Open the generation that a manifest describes, published or not; see `open`.

        Raises:
            DamagedIndexError: If a segment is not as the manifest says.
        """
        opened = {segment.record.id: segment for segment in previous.segments} if previous else {}

        def segment(record: SegmentRecord) -> Segment:
            before = opened.get(record.id)
            again = before.of_generation(record) if before is not None else None
            return again or Segment(layout.segment(record.id), record, manifest.encoder.dim)

        def tags(record: SegmentRecord) -> TagTable | None:
            if record.tags is None:
                return None
            before = opened.get(record.id)
            if before is not None and before.tags and before.tags.file == record.tags:
                return before.tags
            return open_tags(layout, record.tags, record.products)

        if manifest.tagging is not None:
            for file in (manifest.tagging.labels, manifest.tagging.fit):
                checked_file(layout, file)
        index = cls(
            manifest,
            [segment(record) for record in manifest.segments],
            [tags(record) for record in manifest.segments],
        )
        index._check_counts()
        index._check_tags()
        return index

    def _check_counts(self) -> None:
        for name in ("products", "images"):
            found = sum(getattr(segment, name) for segment in self._segments)
            expected = getattr(self.manifest, name)
            if found != expected:
                raise DamagedIndexError(
                    f"The segments hold {found} {name} where the manifest says {expected}."
                )

    def _check_tags(self) -> None:
        wanted = self.manifest.tagging.fields if self.manifest.tagging is not None else {}
        for segment in self._segments:
            found = set(segment.field_table.column_names) - set(self.manifest.fields)
            if found != set(wanted):
                raise DamagedIndexError(
                    f"The tags of segment {segment.record.id} are not those of its manifest."
                )

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, in the manifest's order."""
        return self._segments

    def check_encoder(self, spec: EncoderSpec) -> None:
        """Refuse an encoder other than the one that built this index.

        Raises:
            EncoderMismatchError: Naming both.
        """
        built = self.manifest.encoder
        if (built.fingerprint, built.dim) != (spec.fingerprint, spec.dim):
            raise EncoderMismatchError(
                f"The index was built with {built.name!r} ({built.fingerprint[:12]}, "
                f"{built.dim} dimensions), not with {spec.name!r} ({spec.fingerprint[:12]}, "
                f"{spec.dim} dimensions). Use --model {built.name!r}, or rebuild the index."
            )

    def search(
        self,
        vector: FloatArray,
        k: int,
        *,
        exclude: Collection[str] = (),
        fields: Sequence[str] | None = None,
        where: Predicate | None = None,
        kind: QueryKind = QueryKind.TEXT,
    ) -> list[Match]:
        """The k products whose best picture is nearest to a unit vector, nearest first.

        Args:
            vector: `[dim]` float32, of length 1.
            k: How many products; fewer come back only if fewer are there.
            exclude: Product ids to leave out.
            fields: Which product fields to give; all by default.
            where: Which products may be found; all by default. The k nearest of those come back,
                not those among the k nearest.
            kind: What the vector was made of; words need more effort than pictures.

        Raises:
            QueryError: If a field does not exist.
        """
        self.check_fields(fields or ())
        return self.matches(
            self.nearest(vector, k, exclude=exclude, where=where, kind=kind), fields
        )

    def nearest(
        self,
        vector: FloatArray,
        k: int,
        *,
        exclude: Collection[str] = (),
        where: Predicate | None = None,
        kind: QueryKind = QueryKind.TEXT,
    ) -> list[Found]:
        """As `search`, without looking the products up."""
        places: list[tuple[float, int, int, int]] = []
        for number, segment in enumerate(self._segments):
            wanted = k + len(exclude)
            for score, row, image in _search_segment(segment, vector, wanted, where, kind):
                places.append((-score, number, row, image))
        # Ties keep the order of segments and rows, so that paging never repeats a product.
        places.sort()
        found: list[Found] = []
        for negative, number, row, image in places:
            if exclude and self._segments[number].product_id(row) in exclude:
                continue
            found.append(Found(-negative, number, row, image))
            if len(found) == k:
                break
        return found

    def matches(self, found: Sequence[Found], fields: Sequence[str] | None = None) -> list[Match]:
        """The products that were found, in the same order.

        Args:
            found: Where they stand.
            fields: Which product fields to give; all by default.
        """
        matches = []
        for place in found:
            segment = self._segments[place.segment]
            image = place.image - segment.image_rows(place.row).start
            # Stored vectors are rounded, so that a cosine can come out a little above 1.
            score = max(-1.0, min(1.0, place.score))
            product_id = segment.product_id(place.row)
            matches.append(Match(product_id, score, image, segment.fields(place.row, fields)))
        return matches

    def ids(self, found: Sequence[Found]) -> tuple[str, ...]:
        """The ids of the products that were found, in the same order."""
        return tuple(self._segments[place.segment].product_id(place.row) for place in found)

    def image_vectors(self, found: Sequence[Found]) -> FloatArray:
        """The vectors of the pictures that were found, `[n, dim]`, of length 1."""
        vectors = np.empty((len(found), self.manifest.encoder.dim), np.float32)
        of_segment = np.array([place.segment for place in found], np.int64)
        rows = np.array([place.image for place in found], np.int64)
        for number in np.unique(of_segment).tolist():
            here = of_segment == number
            vectors[here] = self._segments[number].vectors[rows[here]]
        return vectors

    def facets(
        self, names: Sequence[str], where: Predicate | None = None
    ) -> dict[str, list[tuple[FieldValue, int]]]:
        """How many products have which value, for each of some fields.

        Args:
            names: The fields.
            where: Which products are counted; all by default.

        Returns:
            For each field its `FACET_VALUES` most frequent values with their counts, most frequent
            first; products without a value are not counted.

        Raises:
            QueryError: If a field does not exist.
        """
        self.check_fields(names)
        counts: dict[str, Counter[FieldValue]] = {name: Counter() for name in names}
        for segment in self._segments:
            table = segment.field_table
            counted = segment.products_where(where)
            if not counted.all():
                table = table.filter(pa.array(counted))
            for name in names:
                column = table[name].drop_null()
                if pa.types.is_list(column.type):  # each label counts
                    column = pc.list_flatten(column)
                for item in pc.value_counts(column).to_pylist():
                    counts[name][item["values"]] += item["counts"]
        return {name: counter.most_common(FACET_VALUES) for name, counter in counts.items()}

    def __contains__(self, product_id: str) -> bool:
        return any(segment.find(product_id) is not None for segment in self._segments)

    def get(self, product_id: str) -> Product:
        """A product by its id.

        Raises:
            UnknownProductError: If there is none.
        """
        place = self._find(product_id)
        images = (
            StoredImage(place.segment.location(row)) for row in place.segment.image_rows(place.row)
        )
        return Product(product_id, place.segment.fields(place.row), tuple(images))

    def fields(self, product_id: str, names: Sequence[str] | None = None) -> dict[str, ShownValue]:
        """A product's fields, or those of `names`; fields without a value are left out.

        Raises:
            UnknownProductError: If there is no such product.
        """
        place = self._find(product_id)
        return place.segment.fields(place.row, names)

    @property
    def has_keywords(self) -> bool:
        """Whether it can be searched by words of its fields; indexes before format 3 can't."""
        return all(segment.keywords is not None for segment in self.segments)

    def vector(self, product_id: str) -> FloatArray:
        """The mean of a product's picture vectors, `[dim]`, of length 1.

        Raises:
            UnknownProductError: If there is no such product.
        """
        place = self._find(product_id)
        rows = place.segment.image_rows(place.row)
        stored = place.segment.vectors[rows.start : rows.stop]
        mean = np.asarray(stored, dtype=np.float32).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def image_vector(self, product_id: str, number: int) -> FloatArray:
        """The vector of one of a product's pictures, `[dim]`, of length 1.

        Raises:
            UnknownProductError: If there is no such product or picture.
        """
        segment, row = self._find_image(product_id, number)
        return np.asarray(segment.vectors[row], dtype=np.float32)

    def colours(self, product_id: str) -> list[MeasuredColours]:
        """The measured colours of a product's pictures; none of those that were not measured.

        Raises:
            UnknownProductError: If there is no such product.
        """
        place = self._find(product_id)
        if place.segment.colours is None:
            return []
        rows = place.segment.image_rows(place.row)
        measured = (MeasuredColours.from_array(np.array(place.segment.colours[r])) for r in rows)
        return [colours for colours in measured if colours is not None]

    def thumbnail(self, product_id: str, number: int) -> bytes:
        """The WebP thumbnail of a product's picture; empty where the index keeps none.

        Raises:
            UnknownProductError: If there is no such product or picture.
        """
        segment, row = self._find_image(product_id, number)
        return segment.thumbnail(row)

    def _find_image(self, product_id: str, number: int) -> tuple[Segment, int]:
        place = self._find(product_id)
        rows = place.segment.image_rows(place.row)
        if not 0 <= number < len(rows):
            raise UnknownProductError(
                f"Product {product_id!r} has {len(rows)} picture(s), numbered from 0."
            )
        return place.segment, rows[number]

    def count(self, where: Predicate | None = None) -> int:
        """How many products there are, or how many of them a predicate holds for."""
        return sum(
            int(np.count_nonzero(segment.products_where(where))) for segment in self._segments
        )

    def _find(self, product_id: str) -> _Place:
        for segment in self._segments:
            row = segment.find(product_id)
            if row is not None:
                return _Place(segment, row)
        raise UnknownProductError(f"There is no product {product_id!r} in the index.")

    def check_fields(self, names: Sequence[str]) -> None:
        """Refuse names of fields that the index does not have.

        Raises:
            QueryError: Naming the first, and listing those that exist.
        """
        for name in names:
            if name not in self.manifest.columns:
                known = ", ".join(self.manifest.columns) or "none"
                raise QueryError(f"There is no field {name!r}; the fields are: {known}.")


def _search_segment(
    segment: Segment, vector: FloatArray, k: int, where: Predicate | None, kind: QueryKind
) -> list[tuple[float, int, int]]:
    """The k nearest products of a segment: (cosine, product row, row of the best picture)."""
    if where is None:
        allowed, there = segment.alive_images, segment.products
    else:
        allowed, there = segment.images_where(where)
    wanted = min(k, there)
    asked = k
    while True:
        scores, images = segment.neighbours.search(vector, asked, allowed, kind)
        products = segment.image_product[images]
        _, first = np.unique(products, return_index=True)
        if len(first) >= wanted:
            break
        # Pictures of the same products took the places; look further.
        asked *= 4
    best = np.sort(first)[:wanted]
    return [(float(scores[i]), int(products[i]), int(images[i])) for i in best]


def index_exists(path: Path) -> bool:
    """Whether anything was ever published in a folder."""
    try:
        live_generation(Layout(path))
    except NoIndexError:
        return False
    except DamagedIndexError:
        return True
    return True
