"""Pictures whose vectors the live generation holds already, found by their content."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.build.ledger import EmbeddedImage
from indexer.index import Segment

__all__ = ["KnownImages"]


class KnownImages:
    """Finds a picture's vector and thumbnail by the SHA-256 of its content.

    Pictures of deleted products are found too, for as long as their segment stands.

    Args:
        segments: Where to look; their vectors are of the encoder at hand.
        thumbnails: Whether thumbnails are wanted; pictures that lack theirs are not found then.
    """

    def __init__(self, segments: Sequence[Segment], *, thumbnails: bool) -> None:
        self._segments = segments
        self._thumbnails = thumbnails

    def __contains__(self, sha256: bytes) -> bool:
        return self.find(sha256) is not None

    def find(self, sha256: bytes) -> EmbeddedImage | None:
        """The picture with this content, or None."""
        for segment in self._segments:
            row = segment.find_content(sha256)
            if row is None:
                continue
            thumbnail = segment.thumbnail(row) if self._thumbnails else b""
            if thumbnail or not self._thumbnails:
                colours = segment.colours[row] if segment.colours is not None else None
                return EmbeddedImage(sha256, segment.vectors[row], thumbnail, colours)
        return None
