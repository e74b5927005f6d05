"""TIFF: the tags of a file's first page (TIFF 6.0, section 2, and BigTIFF)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from embeddings.images.containers.base import MAX_PARTS, MAX_PROFILE_BYTES, broken, cut_short

__all__ = ["Page", "Tag"]


class Tag(IntEnum):
    """Tag numbers of TIFF 6.0 and its technical notes."""

    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIPS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS = 278
    STRIP_BYTES = 279
    PLANAR = 284
    PREDICTOR = 317
    PALETTE = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILES = 324
    TILE_BYTES = 325
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    JPEG_TABLES = 347
    SUBSAMPLING = 530
    BLACK_WHITE = 532
    PROFILE = 34_675  # Adobe, "Embedding ICC profiles", TIFF technical note


# The pixels of a page depend on these alone; the decoder receives no other tag.
_KEPT = frozenset(Tag) - {Tag.ORIENTATION, Tag.PROFILE}

_BIG_TIFF = 43
_TYPE_BYTES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8,
}  # fmt: skip
_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MAX_TAGS = 65_535


@dataclass(frozen=True, slots=True)
class _Dialect:
    """The byte order, and the layout of classic TIFF or BigTIFF."""

    order: str
    big: bool

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def pointer(self) -> int:
        return 8 if self.big else 4


@dataclass(frozen=True, slots=True)
class _Entry:
    """One tag of a directory: its type, its values' count and place, and its bytes."""

    kind: int
    count: int
    at: int
    raw: bytes


class Page:
    """The first page's directory.

    Raises:
        BrokenImageError: The file ends within the directory or a tag's values, or a tag that is
            kept has more than `MAX_PARTS` values: Pillow makes a Python object of each.
        struct.error: Likewise, the file ends early.
    """

    def __init__(self, data: bytes) -> None:
        order = "<" if data[:2] == b"II" else ">"
        big = struct.unpack_from(f"{order}H", data, 2)[0] == _BIG_TIFF
        self._dialect = _Dialect(order, big)
        self._data = data
        self._entries: dict[int, _Entry] = {}
        (start,) = self._dialect.offset.unpack_from(data, self._dialect.pointer)
        tags, first, _ = self._directory(start)
        if tags > _MAX_TAGS:
            raise broken("TIFF", "too many tags")
        size = self._dialect.entry.size
        for at in range(first, first + tags * size, size):
            number, entry = self._entry(at)
            if number in _KEPT and entry.count > MAX_PARTS:
                raise broken("TIFF", "too many values in a tag")
            self._entries.setdefault(number, entry)

    def numbers(self, tag: Tag, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return the integers of a tag, or `default` where it is missing or of another type."""
        entry = self._entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS or not entry.count:
            return default
        values = f"{self._dialect.order}{entry.count}{_INTEGERS[entry.kind]}"
        return struct.unpack_from(values, self._data, entry.at)

    def number(self, tag: Tag, default: int) -> int:
        """Return the first integer of a tag."""
        return self.numbers(tag, (default,))[0]

    def profile(self) -> bytes:
        """Return the ICC profile; empty if there is none, or it is too large."""
        entry = self._entries.get(Tag.PROFILE)
        if entry is None or entry.count > MAX_PROFILE_BYTES:
            return b""
        return self._data[entry.at : entry.at + entry.count]

    def check_further_pages(self) -> None:
        """Refuse a file that ends before a further page's directory does.

        Raises:
            struct.error: It ends there.
        """
        (start,) = self._dialect.offset.unpack_from(self._data, self._dialect.pointer)
        seen: set[int] = set()
        while start and start not in seen and len(seen) < MAX_PARTS:
            seen.add(start)
            _, _, start = self._directory(start)

    def alone(self) -> bytes:
        """Return the file with this page only, and with only the tags that its pixels need."""
        data, dialect = self._data, self._dialect
        entries = [entry.raw for number, entry in sorted(self._entries.items()) if number in _KEPT]
        start = len(data) + len(data) % 2
        head = data[: dialect.pointer] + dialect.offset.pack(start)
        directory = dialect.count.pack(len(entries)) + b"".join(entries) + dialect.offset.pack(0)
        return b"".join((head, data[len(head) :], b"\0" * (start - len(data)), directory))

    def _directory(self, start: int) -> tuple[int, int, int]:
        """Return the number of tags of a directory, where they start, and the next directory."""
        (tags,) = self._dialect.count.unpack_from(self._data, start)
        first = start + self._dialect.count.size
        (after,) = self._dialect.offset.unpack_from(
            self._data, first + tags * self._dialect.entry.size
        )
        return tags, first, after

    def _entry(self, at: int) -> tuple[int, _Entry]:
        """Read the directory entry at `at`; returns its tag number and the entry."""
        layout = self._dialect.entry
        number, kind, count, value = layout.unpack_from(self._data, at)
        size = count * _TYPE_BYTES.get(kind, 0)
        if size <= len(value):
            place = at + layout.size - len(value)
        else:
            (place,) = self._dialect.offset.unpack(value)
        if place + size > len(self._data):
            raise cut_short("TIFF")
        return number, _Entry(kind, count, place, self._data[at : at + layout.size])
