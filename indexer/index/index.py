"""An index folder opened for reading: nearest products, and lookups by product id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from embeddings import EncoderSpec, FloatArray
from indexer.adaptation import AdaptationMap
from indexer.catalog import FieldType, FieldValue, Scalar, nearest_first
from indexer.colours import MeasuredColours
from indexer.errors import EncoderMismatchError, QueryError, UnknownProductError
from indexer.index.facets import completions_of, count_values
from indexer.index.matches import Found, Match, Nearest, Product, StoredImage
from indexer.index.opening import open_generation, open_map, open_segments
from indexer.index.segments import Segment
from indexer.retrieval import Completion, Completions, Predicate, checkpoint
from indexer.storage import Layout, Manifest, Mask, QueryKind

__all__ = ["Index"]

# Digits of a model's fingerprint in messages: enough to tell two models apart.
_FINGERPRINT_DIGITS = 12


class Index:
    """One generation of an index, immutable and safe to read from several threads.

    Args:
        manifest: Describes the generation.
        segments: As `open_segments` gives them, in the manifest's order.
        adaptation: The map that the generation learned from its catalog, if it has one.
    """

    def __init__(
        self,
        manifest: Manifest,
        segments: Sequence[Segment],
        adaptation: AdaptationMap | None = None,
    ) -> None:
        self.manifest = manifest
        self.adaptation = adaptation
        self._segments = tuple(segments)

    @classmethod
    def open(
        cls, path: Path, generation: int | None = None, *, previous: Index | None = None
    ) -> Index:
        """Open the live generation, or the newest intact one if that is damaged.

        Args:
            path: The index folder.
            generation: Open exactly this one instead.
            previous: Another generation of the same folder; what both have is shared and not read
                again.

        Raises:
            NoIndexError: Nothing was ever published there.
            DamagedIndexError: No generation is intact, or the one requested is not.
        """
        return cls(*open_generation(path, generation, previous.segments if previous else ()))

    @classmethod
    def of_manifest(
        cls, layout: Layout, manifest: Manifest, previous: Index | None = None
    ) -> Index:
        """Open the generation that a manifest describes, published or not; see `open`.

        Raises:
            DamagedIndexError: A segment is not as the manifest says.
        """
        segments = open_segments(layout, manifest, previous.segments if previous else ())
        return cls(manifest, segments, open_map(layout, manifest))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, in the manifest's order."""
        return self._segments

    @property
    def has_keywords(self) -> bool:
        """Whether keyword search works; an index of a format before 3 has no keywords."""
        return all(segment.keywords is not None for segment in self._segments)

    @property
    def has_words(self) -> bool:
        """Whether its products have texts that keyword search finds."""
        texts = (FieldType.TEXT, FieldType.LABELS)
        return self.has_keywords and any(kind in texts for kind in self.manifest.fields.values())

    def check_encoder(self, spec: EncoderSpec) -> None:
        """Refuse an encoder other than the one that built this index.

        Raises:
            EncoderMismatchError: Naming both.
        """
        built = self.manifest.encoder
        if (built.fingerprint, built.dim) != (spec.fingerprint, spec.dim):
            raise EncoderMismatchError(
                f"The index was built with {built.name!r} "
                f"({built.fingerprint[:_FINGERPRINT_DIGITS]}, {built.dim} dimensions), not with "
                f"{spec.name!r} ({spec.fingerprint[:_FINGERPRINT_DIGITS]}, {spec.dim} "
                f"dimensions). Use --model {built.name!r}, or rebuild the index."
            )

    def check_fields(self, names: Sequence[str]) -> None:
        """Refuse names of fields that the index does not have.

        Raises:
            QueryError: Naming the first, and listing those that exist.
        """
        for name in names:
            if name not in self.manifest.columns:
                known = ", ".join(nearest_first(name, self.manifest.columns)) or "none"
                raise QueryError(f"There is no field {name!r}; the fields are: {known}.")

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
        """Return the products nearest to a unit vector with their fields, as `nearest` finds them.

        Args:
            vector: As for `nearest`.
            k: As for `nearest`.
            exclude: As for `nearest`.
            fields: Which product fields to give; all by default.
            where: As for `nearest`.
            kind: As for `nearest`.

        Raises:
            QueryError: A field does not exist.
        """
        self.check_fields(fields or ())
        found = self.nearest(vector, k, exclude=exclude, where=where, kind=kind)
        return self.matches(found, fields)

    def nearest(
        self,
        vector: FloatArray,
        k: int,
        *,
        exclude: Collection[str] = (),
        where: Predicate | None = None,
        kind: QueryKind = QueryKind.TEXT,
    ) -> list[Found]:
        """Return the places of the products whose best image is nearest to a unit vector.

        Args:
            vector: `[dim]` float32, of length 1.
            k: How many products; fewer come back only if fewer can be found.
            exclude: Product ids to leave out.
            where: Which products may be found; all by default. The k nearest of those come back,
                not those among the k nearest.
            kind: What the vector was made of; text needs more effort than images.

        Returns:
            Nearest first; ties in the order of segments and rows, so that pages never overlap.
        """
        return self.nearest_places(vector, k, exclude=exclude, where=where, kind=kind).first(k)

    def nearest_places(
        self,
        vector: FloatArray,
        k: int,
        *,
        exclude: Collection[str] = (),
        where: Predicate | None = None,
        kind: QueryKind = QueryKind.TEXT,
    ) -> Nearest:
        """Return what `nearest` does as arrays, which is quicker where there are many."""
        parts = []
        for number, segment in enumerate(self._segments):
            checkpoint()
            found = segment.nearest(vector, k + len(exclude), where, kind)
            parts.append(Nearest(found.scores, np.full(len(found.products), number), *found[1:]))
        nearest = Nearest.join(parts)
        if excluded := self.places(exclude):
            out = np.zeros(len(nearest), np.bool_)
            for number, row in excluded:
                out |= (nearest.segments == number) & (nearest.rows == row)
            nearest = nearest.some(~out)
        order = np.lexsort((nearest.rows, nearest.segments, -nearest.scores))
        return nearest.some(order[:k])

    def places(self, ids: Iterable[str]) -> list[tuple[int, int]]:
        """Return segment and row of the products with some ids; unknown ids are skipped."""
        places = []
        for product_id in ids:
            for number, segment in enumerate(self._segments):
                row = segment.find(product_id)
                if row is not None:
                    places.append((number, row))
        return places

    def matches(self, found: Sequence[Found], fields: Sequence[str] | None = None) -> list[Match]:
        """Return the products that were found, in the same order.

        Args:
            found: Their places.
            fields: Which product fields to give; all by default.
        """
        matches = []
        for place in found:
            checkpoint()
            segment = self._segments[place.segment]
            image = place.image - segment.image_rows(place.row).start
            # Stored vectors are rounded, so that a cosine can come out a little above 1.
            score = min(max(place.score, -1.0), 1.0)  # in this order NaN stays
            product_id = segment.product_id(place.row)
            matches.append(Match(product_id, score, image, segment.fields(place.row, fields)))
        return matches

    def ids(self, found: Sequence[Found]) -> tuple[str, ...]:
        """Return the ids of the products that were found, in the same order."""
        return tuple(self._segments[place.segment].product_id(place.row) for place in found)

    def image_vectors(self, found: Sequence[Found]) -> FloatArray:
        """Return the vectors of the images that were found, `[n, dim]`, of length 1."""
        vectors = np.empty((len(found), self.manifest.encoder.dim), np.float32)
        segments = np.array([place.segment for place in found], np.int64)
        rows = np.array([place.image for place in found], np.int64)
        for number in np.unique(segments).tolist():
            here = segments == number
            vectors[here] = self._segments[number].vectors[rows[here]]
        return vectors

    def facets(
        self, names: Sequence[str], where: Predicate | None = None
    ) -> dict[str, list[tuple[Scalar, int]]]:
        """Count the values of some fields over the products that pass a filter.

        Raises:
            QueryError: A field does not exist.
        """
        masks = [segment.products_where(where) for segment in self._segments]
        return self.facets_of(dict.fromkeys(names, masks))

    def facets_of(
        self, counted: Mapping[str, Sequence[Mask]]
    ) -> dict[str, list[tuple[Scalar, int]]]:
        """Count the values of some fields; see `count_values`.

        Args:
            counted: For each field the products that are counted, a mask for each segment.

        Raises:
            QueryError: A field does not exist.
        """
        self.check_fields([*counted])
        return count_values(self._segments, counted)

    def complete(self, typed: str, k: int) -> list[Completion]:
        """Return up to k values, tags and titles that complete a text; see `Completions`.

        The first call reads them from the index's fields.
        """
        return self._completions.complete(typed, k)

    @cached_property
    def _completions(self) -> Completions:
        return Completions(completions_of(self._segments, self.manifest.columns))

    def count(self, where: Predicate | None = None, exclude: Iterable[str] = ()) -> int:
        """Return how many products there are, or how many of them pass a filter.

        Args:
            where: The filter; all products pass by default.
            exclude: Ids, each once, of products that are not counted.
        """
        masks = [segment.products_where(where) for segment in self._segments]
        excluded = sum(bool(masks[number][row]) for number, row in self.places(exclude))
        return sum(int(np.count_nonzero(mask)) for mask in masks) - excluded

    def __contains__(self, product_id: str) -> bool:
        return any(segment.find(product_id) is not None for segment in self._segments)

    def get(self, product_id: str) -> Product:
        """Return a product by its id.

        Raises:
            UnknownProductError: There is none.
        """
        segment, row = self._find(product_id)
        images = (StoredImage(segment.location(image)) for image in segment.image_rows(row))
        return Product(product_id, segment.fields(row), tuple(images))

    def fields(self, product_id: str, names: Sequence[str] | None = None) -> dict[str, FieldValue]:
        """Return a product's fields, or those of `names`, without those that have no value.

        Raises:
            UnknownProductError: There is no such product.
        """
        segment, row = self._find(product_id)
        return segment.fields(row, names)

    def vector(self, product_id: str) -> FloatArray:
        """Return the mean of a product's image vectors, `[dim]`, of length 1.

        Raises:
            UnknownProductError: There is no such product.
        """
        segment, row = self._find(product_id)
        rows = segment.image_rows(row)
        stored = segment.vectors[rows.start : rows.stop]
        mean = np.asarray(stored, dtype=np.float32).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def query_vector(self, product_id: str) -> FloatArray:
        """Return what a search for products like one starts from: `vector`, by the index's map.

        Raises:
            UnknownProductError: There is no such product.
        """
        segment, row = self._find(product_id)
        rows = segment.image_rows(row)
        mean = np.asarray(segment.adapted[rows.start : rows.stop], np.float32).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def adapted(self, vectors: FloatArray, features: FloatArray) -> FloatArray:
        """Return what images search with: their vectors, by the index's map if it has one.

        Args:
            vectors: `[n, dim]` unit vectors of images.
            features: `[n, width]` their features, from the same pass of the encoder.

        Raises:
            EncoderMismatchError: The index has a map, and the encoder gives no features for it.
        """
        if self.adaptation is None or not len(vectors):
            return vectors
        if features.shape[1] != self.adaptation.width:
            raise EncoderMismatchError(
                f"This index learned from its catalog, and pictures are searched by "
                f"{self.adaptation.width} features of its model; the model as it is loaded gives "
                f"{features.shape[1]}. Export it again, or build with --adapt off."
            )
        return self.adaptation.apply(vectors, features)

    def image_vector(self, product_id: str, number: int) -> FloatArray:
        """Return the vector of one of a product's images, `[dim]`, of length 1.

        Raises:
            UnknownProductError: There is no such product or image.
        """
        segment, row = self._find_image(product_id, number)
        return np.asarray(segment.vectors[row], dtype=np.float32)

    def colours(self, product_id: str) -> list[MeasuredColours]:
        """Return the measured colours of a product's images, without images not measured.

        Raises:
            UnknownProductError: There is no such product.
        """
        segment, row = self._find(product_id)
        if segment.colours is None:
            return []
        rows = segment.image_rows(row)
        measured = (MeasuredColours.from_array(np.array(segment.colours[image])) for image in rows)
        return [colours for colours in measured if colours is not None]

    def thumbnail(self, product_id: str, number: int) -> bytes:
        """Return the WebP thumbnail of a product's image; empty where the index keeps none.

        Raises:
            UnknownProductError: There is no such product or image.
        """
        segment, row = self._find_image(product_id, number)
        return segment.thumbnail(row)

    def _find(self, product_id: str) -> tuple[Segment, int]:
        for segment in self._segments:
            row = segment.find(product_id)
            if row is not None:
                return segment, row
        raise UnknownProductError(f"There is no product {product_id!r} in the index.")

    def _find_image(self, product_id: str, number: int) -> tuple[Segment, int]:
        segment, row = self._find(product_id)
        rows = segment.image_rows(row)
        if not 0 <= number < len(rows):
            raise UnknownProductError(
                f"Product {product_id!r} has {len(rows)} picture(s), numbered from 0."
            )
        return segment, rows[number]
