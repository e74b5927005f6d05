"""Pictures whose vectors the live generation holds already, found by their content."""

from __future__ import annotations

import numpy as np

from indexer.index import Index
from indexer.ledger import EmbeddedImage

__all__ = ["KnownImages"]


class KnownImages:
    """Finds a picture's vector and thumbnail by the SHA-256 of its content.

    Holds 40 bytes a picture in memory.

    Args:
        live: The live generation, if there is one.
        fingerprint: Of the encoder at hand; vectors of another one are of no use.
        thumbnails: Whether thumbnails are wanted; pictures that lack theirs are not found then.
    """

    def __init__(self, live: Index | None, fingerprint: str, thumbnails: bool) -> None:
        self._thumbnails = thumbnails
        usable = live is not None and live.manifest.encoder.fingerprint == fingerprint
        self._segments = live.segments if live is not None and usable else ()
        hashes = [segment.hashes() for segment in self._segments]
        self._starts = np.cumsum([0, *map(len, hashes)])
        joined = np.concatenate(hashes) if hashes else np.empty(0, "S32")
        self._order = np.argsort(joined, kind="stable")
        self._sorted = joined[self._order]

    def __contains__(self, sha256: bytes) -> bool:
        return self.find(sha256) is not None

    def find(self, sha256: bytes) -> EmbeddedImage | None:
        """The picture with this content, or None."""
        # numpy gives S32 values without their trailing zero bytes.
        key = np.bytes_(sha256.rstrip(b"\0"))
        place = int(np.searchsorted(self._sorted, key))
        if place == len(self._sorted) or self._sorted[place] != key:
            return None
        row = int(self._order[place])
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        segment, row = self._segments[number], row - int(self._starts[number])
        thumbnail = segment.thumbnail(row) if self._thumbnails else b""
        if self._thumbnails and not thumbnail:
            return None
        return EmbeddedImage(sha256, segment.vectors[row], thumbnail)
