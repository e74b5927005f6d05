"""Reusable images: vectors and thumbnails that the live generation holds already."""

from __future__ import annotations

from collections.abc import Sequence

from embeddings.vision import Findings
from indexer.build.ledger import EmbeddedImage
from indexer.index import Segment

__all__ = ["ReusableImages"]


class ReusableImages:
    """Finds embedded images by the SHA-256 of their content.

    Images of deleted products are found too, as long as their segment exists.

    Args:
        segments: Segments to look in; the encoder of this build made their vectors.
        thumbnails: Whether thumbnails are wanted; images without one are not found then.
        examined: `Examination.key` of this build; images of another examination are not found.
    """

    def __init__(
        self, segments: Sequence[Segment], *, thumbnails: bool, examined: str = ""
    ) -> None:
        self._segments = segments
        self._thumbnails = thumbnails
        self._examined = examined

    def __contains__(self, sha256: bytes) -> bool:
        return self.find(sha256) is not None

    def find(self, sha256: bytes) -> EmbeddedImage | None:
        """Return the image with this content, or None."""
        for segment in self._segments:
            row = segment.find_content(sha256)
            if row is None:
                continue
            findings = segment.findings(row)
            if Findings.from_json(findings).key != self._examined:
                continue
            thumbnail = segment.thumbnail(row) if self._thumbnails else b""
            if thumbnail or not self._thumbnails:
                colours = segment.colours[row] if segment.colours is not None else None
                return EmbeddedImage(
                    sha256,
                    segment.vectors[row],
                    thumbnail,
                    colours,
                    findings,
                    segment.features[row] if segment.features is not None else None,
                    segment.adapted[row] if segment.record.adaptation else None,
                )
        return None

    def former_content(self, product_id: str, location: str) -> bytes | None:
        """Return the SHA-256 of the image that a product had from a URL, or None.

        It stands in while the URL does not answer. A file belongs to the shop: one that is gone or
        broken gets no stand-in.
        """
        if not location.startswith(("http://", "https://")):
            return None
        for segment in self._segments:
            product = segment.find(product_id)
            if product is None:
                continue
            contents = [
                segment.content(row)
                for row in segment.image_rows(product)
                if segment.location(row) == location
            ]
            return next((found for found in contents if found in self), None)
        return None
