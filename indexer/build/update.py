"""What an update does with the live generation: which of its rows stay, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from indexer.catalog import FieldType
from indexer.index import NewImage, NewProduct, Segment
from indexer.storage import Mask, SegmentRecord, format_ranges

__all__ = ["Update", "stored_products"]

# A new segment takes in older ones that are not larger than itself, so that their number grows
# with the logarithm of the index (O'Neil et al. 1996, log-structured merge trees), and any of up to
# so many pictures, which cost nothing.
_SMALL = 1000
# A segment of which less than this share is left is written anew.
_MIN_ALIVE = 0.5


class Update:
    """Compares a catalog with the segments of the live generation, product by product.

    Args:
        segments: Of the live generation; none where it can't be built upon.
        text_weight: The titles' share in what is searched of the generation to come.
    """

    def __init__(self, segments: Sequence[Segment], text_weight: float = 0.0) -> None:
        self._text_weight = text_weight
        self.segments = tuple(segments)
        self._rewrite = False
        self._clear()

    def stays(self, product_id: str, digest: bytes) -> bool:
        """Whether a product of the catalog stands in the generation as it is; then it is kept."""
        place = self._find(product_id)
        if place is None:
            return False
        number, row = place
        self._named[number][row] = True
        if self._rewrite or self.segments[number].digest(row) != digest:
            return False
        self._kept[number][row] = True
        return True

    def former_content(self, product_id: str, location: str) -> bytes | None:
        """The SHA-256 of the picture that a product had from some place, or None."""
        place = self._find(product_id)
        if place is None:
            return None
        segment = self.segments[place[0]]
        for row in segment.image_rows(place[1]):
            if segment.location(row) == location:
                return segment.content(row)
        return None

    def start_over(self) -> None:
        """Forget what the catalog named; when it is read again, nothing that it names stays."""
        self._rewrite = True
        self._clear()

    def keep_missing(self) -> None:
        """Keep the products that the catalog did not name."""
        for (segment, kept), named in zip(self._pairs(), self._named, strict=True):
            kept |= segment.alive & ~named

    def fits(self, types: Mapping[str, FieldType]) -> bool:
        """Whether every segment of which something is kept can have these fields."""
        return all(
            segment.accepts_types(types) or not kept.any() for segment, kept in self._pairs()
        )

    def to_absorb(self, new_images: int, types: Mapping[str, FieldType]) -> list[int]:
        """Which segments, by number, a new segment of so many pictures should take in."""
        left = [segment.count_images(kept) for segment, kept in self._pairs()]
        absorbed = {
            number
            for number, segment in enumerate(self.segments)
            if 0 < left[number] < _MIN_ALIVE * segment.record.images
            or (left[number] and not segment.accepts_types(types))
            # Of a format that had no keywords: written anew, it has.
            or (left[number] and segment.keywords is None)
            or (left[number] and segment.record.text_weight != self._text_weight)
        }
        total = new_images + sum(left[number] for number in absorbed)
        for number in reversed(range(len(self.segments))):
            if total and 0 < left[number] <= max(total, _SMALL) and number not in absorbed:
                absorbed.add(number)
                total += left[number]
        return sorted(absorbed)

    def absorbed_products(self, numbers: Sequence[int]) -> Iterator[NewProduct]:
        """What is kept of some segments."""
        for number in numbers:
            yield from stored_products(self.segments[number], self._kept[number], self._text_weight)

    def records(self, absorbed: Sequence[int]) -> list[SegmentRecord]:
        """The segments that remain, with what is deleted of them."""
        records = []
        for number, (segment, kept) in enumerate(self._pairs()):
            if number in absorbed or not kept.any():
                continue
            gone = ~kept
            records.append(
                replace(
                    segment.record,
                    deleted=format_ranges(gone),
                    deleted_products=int(np.count_nonzero(gone)),
                    deleted_images=segment.count_images(gone),
                )
            )
        return records

    def _clear(self) -> None:
        self._kept = [np.zeros(segment.record.products, np.bool_) for segment in self.segments]
        self._named = [np.zeros(segment.record.products, np.bool_) for segment in self.segments]

    def _pairs(self) -> Iterator[tuple[Segment, Mask]]:
        return zip(self.segments, self._kept, strict=True)

    def _find(self, product_id: str) -> tuple[int, int] | None:
        for number, segment in enumerate(self.segments):
            row = segment.find(product_id)
            if row is not None:
                return number, row
        return None


def stored_products(segment: Segment, wanted: Mask, text_weight: float) -> Iterator[NewProduct]:
    """Products of a segment, ready to be written into another one.

    Args:
        segment: Where they are.
        wanted: Mask over its product rows.
        text_weight: Of the other segment; vectors that are searched go along if it is the same.
    """
    alike = text_weight > 0 and segment.record.text_weight == text_weight
    for row in np.flatnonzero(wanted).tolist():
        images = [
            NewImage(
                segment.content(image),
                segment.location(image),
                segment.vectors[image],
                segment.thumbnail(image),
                segment.searched[image] if alike else None,
                segment.colours[image] if segment.colours is not None else None,
            )
            for image in segment.image_rows(row)
        ]
        fields = segment.catalog_row(row)
        yield NewProduct(segment.product_id(row), fields, images, segment.digest(row))
