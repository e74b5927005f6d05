"""Update: compares a catalog with the live generation, to write only what changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from indexer.catalog import FieldType, FieldValue, product_digest
from indexer.errors import DamagedIndexError, NoIndexError
from indexer.index import Index, NewImage, NewProduct, Segment
from indexer.storage import (
    Layout,
    Manifest,
    Mask,
    SegmentRecord,
    format_ranges,
    live_generation,
)

__all__ = ["Update", "is_live", "open_live", "stored_product", "stored_products"]

# Number of images up to which a segment is small: a new segment always absorbs it, since writing
# so few again costs nothing. A larger one is absorbed if the new segment is at least as large, so
# that the number of segments grows with the logarithm of the index (O'Neil et al. 1996,
# log-structured merge trees).
_SMALL = 1000
# A segment is written anew once less than this share of its images is left.
_MIN_ALIVE = 0.5


class Update:
    """Decides product by product which rows of the live segments are kept.

    Args:
        segments: The live generation's segments; none where they can't be used.
        fields: The types of its fields.
        text_weight: Weight of the titles in the searched vectors of the new generation.
        thumbnails: Whether the new generation keeps thumbnails.
        examination: `Examination.key` of the new generation's images; empty for none.

    Attributes:
        adaptation: SHA-256 of the new generation's map; empty for none. Known once it is learned.
        examined: Whether the images of the new generation have findings.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        fields: Mapping[str, str] | None = None,
        *,
        text_weight: float = 0.0,
        thumbnails: bool = True,
        examination: str = "",
    ) -> None:
        self.adaptation = ""
        self._examination = examination
        self.examined = bool(examination)
        self._fields = fields or {}
        self._text_weight = text_weight
        self._thumbnails = thumbnails
        self.segments = tuple(segments)
        self._rewrite_all = False
        self._clear()

    def digest(
        self, fields: Mapping[str, FieldValue], images: Iterable[tuple[bytes, str]]
    ) -> bytes:
        """Return the digest of a product as the new generation would store it.

        Args:
            fields: As the catalog gives them.
            images: The SHA-256 and location of every image that is indexed, in order.
        """
        return product_digest(
            fields,
            images,
            thumbnails=self._thumbnails,
            text_weight=self._text_weight,
            examination=self._examination,
        )

    def keep_if_unchanged(self, product_id: str, digest: bytes) -> bool:
        """Keep a product of the catalog where it is, if the live generation holds it unchanged."""
        position = self._find(product_id)
        if position is None:
            return False
        number, row = position
        self._listed[number][row] = True
        if self._rewrite_all or self.segments[number].digest(row) != digest:
            return False
        self._kept[number][row] = True
        return True

    def drop(self, product_id: str) -> None:
        """Leave a product out of the new generation."""
        position = self._find(product_id)
        if position is not None:
            number, row = position
            self._listed[number][row] = True

    def restart(self) -> None:
        """Forget what the catalog listed; on the second reading no listed product is kept."""
        self._rewrite_all = True
        self._clear()

    def keep_missing(self) -> None:
        """Keep the products that the catalog did not list."""
        for (segment, kept), listed in zip(self._pairs(), self._listed, strict=True):
            np.logical_or(kept, segment.alive & ~listed, out=kept)

    def fits(self, types: Mapping[str, FieldType]) -> bool:
        """Whether every segment with kept rows can have fields of these types."""
        before = {name: self._fields.get(name, kind) for name, kind in types.items()}
        # Dates and texts are stored alike, and written in different ways.
        changed = ((kind, before[name]) for name, kind in types.items() if before[name] != kind)
        if any(FieldType.DATE in both for both in changed):
            return False
        return all(
            segment.accepts_types(types) or not kept.any() for segment, kept in self._pairs()
        )

    def segments_to_absorb(
        self,
        new_images: int,
        types: Mapping[str, FieldType],
        *,
        small: int | None = None,
        most: float = math.inf,
    ) -> list[int]:
        """Return the segments, by number, that the new segment should absorb.

        Args:
            new_images: Number of new images in the new segment.
            types: Types of the fields of the new generation.
            small: Number of images up to which a segment is always absorbed, if not the usual one.
            most: Maximum images of the new segment with what it absorbs.
        """
        small = _SMALL if small is None else small
        left = [segment.count_images(kept) for segment, kept in self._pairs()]
        absorbed = {
            number
            for number, segment in enumerate(self.segments)
            if 0 < left[number] <= most and self._is_outdated(segment, left[number], types)
        }
        total = new_images + sum(left[number] for number in absorbed)
        for number in reversed(range(len(self.segments))):
            fits = total and left[number] <= max(total, small) and total + left[number] <= most
            if fits and left[number] and number not in absorbed:
                absorbed.add(number)
                total += left[number]
        return sorted(absorbed)

    def absorbed_products(self, numbers: Sequence[int]) -> Iterator[NewProduct]:
        """Yield the kept products of some segments."""
        for number in numbers:
            yield from stored_products(
                self.segments[number], self._kept[number], self._text_weight, self.adaptation
            )

    def remaining_segments(self, absorbed: Sequence[int]) -> list[SegmentRecord]:
        """Return the segments that are not absorbed, with their deleted rows."""
        records = []
        for number, (segment, kept) in enumerate(self._pairs()):
            if number in absorbed or not kept.any():
                continue
            deleted = ~kept
            records.append(
                replace(
                    segment.record,
                    deleted=format_ranges(deleted),
                    deleted_products=int(np.count_nonzero(deleted)),
                    deleted_images=segment.count_images(deleted),
                )
            )
        return records

    def _is_outdated(
        self, segment: Segment, images_left: int, types: Mapping[str, FieldType]
    ) -> bool:
        return (
            images_left < _MIN_ALIVE * segment.record.images
            or not segment.accepts_types(types)
            # Its format had no keywords; a segment that is written anew has them.
            or segment.keywords is None
            or segment.record.text_weight != self._text_weight
            or segment.record.adaptation != self.adaptation
        )

    def _clear(self) -> None:
        self._kept = [np.zeros(segment.record.products, np.bool_) for segment in self.segments]
        self._listed = [np.zeros(segment.record.products, np.bool_) for segment in self.segments]

    def _pairs(self) -> Iterator[tuple[Segment, Mask]]:
        return zip(self.segments, self._kept, strict=True)

    def _find(self, product_id: str) -> tuple[int, int] | None:
        for number, segment in enumerate(self.segments):
            row = segment.find(product_id)
            if row is not None:
                return number, row
        return None


def stored_products(
    segment: Segment, wanted: Mask, text_weight: float, adaptation: str = ""
) -> Iterator[NewProduct]:
    """Yield products of a segment, ready to be written into another one.

    Args:
        segment: The segment that holds them.
        wanted: Mask over its product rows.
        text_weight: Weight of the titles in the other segment; searched vectors are reused if it
            is the same in both.
        adaptation: SHA-256 of the other segment's map; empty for none. Adapted and searched vectors
            are reused if it is the same in both.
    """
    for row in np.flatnonzero(wanted).tolist():
        yield stored_product(segment, row, text_weight, adaptation)


def stored_product(
    segment: Segment, row: int, text_weight: float, adaptation: str = ""
) -> NewProduct:
    """Return the product in a row of a segment; see `stored_products`."""
    same_map = segment.record.adaptation == adaptation
    reuse_searched = text_weight > 0 and segment.record.text_weight == text_weight and same_map
    images = [
        NewImage(
            segment.content(image),
            segment.location(image),
            segment.vectors[image],
            segment.thumbnail(image),
            segment.searched[image] if reuse_searched else None,
            segment.colours[image] if segment.colours is not None else None,
            segment.findings(image),
            segment.features[image] if segment.features is not None else None,
            segment.adapted[image] if adaptation and same_map else None,
        )
        for image in segment.image_rows(row)
    ]
    fields = segment.catalog_row(row)
    return NewProduct(segment.product_id(row), fields, images, segment.digest(row))


def is_live(layout: Layout, manifest: Manifest) -> bool:
    """Tell whether a generation is the one that the index folder names."""
    try:
        return live_generation(layout) == manifest.generation
    except (NoIndexError, DamagedIndexError):
        return False


def open_live(layout: Layout) -> Index | None:
    """Open the live generation; None if there is none, or none intact."""
    try:
        return Index.open(layout.root)
    except (NoIndexError, DamagedIndexError):
        # A build is the way to repair a damaged index.
        return None
