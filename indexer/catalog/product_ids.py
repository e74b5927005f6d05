"""Product ids: which values are valid, and which row used an id first."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import unicodedata
from typing import Self

from indexer.catalog.quoting import quote_for_message
from indexer.errors import RowError

__all__ = ["MAX_ID_BYTES", "IdLedger", "check_id", "clean_id"]

MAX_ID_BYTES = 512

# Control characters, halves of surrogate pairs, and the two separators that end a line.
_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Larger whole numbers are not exact in a float: the id would differ from the one in the catalog.
_EXACT_FLOAT = 2.0**53

_DIGEST_BYTES = 16
# SQLite's page cache; beyond it the table goes to disk.
_CACHE_KIB = 64 * 1024
# Ids in the dictionary, which is ten times as quick: some 150 MB.
_LATEST = 1_000_000
# Of ten million ids, one in two hundred that is new is looked for in vain.
_FILTER_BYTES = 2**25
_PLACES = _FILTER_BYTES - 1


def clean_id(value: object) -> str:
    """Turn the value of an id column into an id.

    Args:
        value: Text, a whole number, or UTF-8 bytes; spaces around it are dropped. A whole float
            counts as a whole number, since tables with gaps store whole numbers as floats.

    Raises:
        RowError: `missing_id`, `bad_id`, `id_too_long` or `bad_utf8`.
    """
    if isinstance(value, str) and value.isascii() and 0 < len(value) <= MAX_ID_BYTES:
        text = value.strip()
        if text and text.isprintable():
            return text  # as most are
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise RowError("missing_id", "the row has no id; give every product one")
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            raise RowError("bad_utf8", "the id is not UTF-8 text") from None
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOAT:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RowError(
            "bad_id", f"the id is a {type(value).__name__}; ids are text or whole numbers"
        )
    text = str(value).strip()
    if not text:
        raise RowError("missing_id", "the id is empty; give every product one")
    check_id(text)
    return text


def check_id(text: str) -> None:
    """Raise a `RowError`, `bad_id` or `id_too_long`, if the text can't be an id."""
    if not text.isprintable() and any(unicodedata.category(c) in _FORBIDDEN for c in text):
        raise RowError(
            "bad_id",
            f"the id {quote_for_message(text)} has control characters in it; remove them",
        )
    size = len(text.encode("utf-8"))
    if size > MAX_ID_BYTES:
        raise RowError(
            "id_too_long", f"the id has {size:,} bytes; up to {MAX_ID_BYTES} are allowed"
        )


class IdLedger:
    """Records which row used an id first.

    Stored ids are kept as 16-byte BLAKE2b digests (a false match among ten million ids has a chance
    below 1e-24): the latest in a dictionary, the others in a temporary SQLite table, which stays in
    memory while it is small and then moves to an unnamed temporary file. Ten million ids take about
    250 MiB of memory and 300 MB of disk.
    """

    def __init__(self) -> None:
        # The empty name means a private file that SQLite deletes itself (sqlite.org/inmemorydb).
        self._table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._table.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._table.execute("PRAGMA journal_mode = OFF")
        self._table.execute("PRAGMA synchronous = OFF")
        self._table.execute(
            "CREATE TABLE ids (digest BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID"
        )
        self._table.execute("BEGIN")
        self._latest: dict[str, int] = {}
        self._stored = False
        # A Bloom filter (1970) of what is in the table, so that few ids are looked for there.
        self._filter = bytearray(_FILTER_BYTES)

    def claim(self, product_id: str, line: int) -> int:
        """Claim an id for a line, unless an earlier line has it.

        Returns:
            The line that has the id.
        """
        latest = self._latest.get(product_id)
        if latest is not None:
            return latest
        if self._stored and self._may_be_stored(product_id):
            find = "SELECT line FROM ids WHERE digest = ?"
            first = self._table.execute(find, (_digest(product_id),)).fetchone()
            if first is not None:
                return int(first[0])
        if len(self._latest) >= _LATEST:
            self._store()
        self._latest[product_id] = line
        return line

    def _may_be_stored(self, product_id: str) -> bool:
        mixed, bits = hash(product_id), self._filter
        return bool(
            bits[mixed & _PLACES] & 1 << (mixed >> 27 & 7)
            and bits[mixed >> 30 & _PLACES] & 1 << (mixed >> 57 & 7)
        )

    def _store(self) -> None:
        """Move the latest ids to the table."""
        bits = self._filter
        rows = []
        for product_id, line in self._latest.items():
            mixed = hash(product_id)
            bits[mixed & _PLACES] |= 1 << (mixed >> 27 & 7)
            bits[mixed >> 30 & _PLACES] |= 1 << (mixed >> 57 & 7)
            rows.append((_digest(product_id), line))
        self._table.executemany("INSERT INTO ids VALUES (?, ?)", sorted(rows))
        self._latest.clear()
        self._stored = True

    def close(self) -> None:
        """Delete the records."""
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _digest(product_id: str) -> bytes:
    return hashlib.blake2b(product_id.encode("utf-8"), digest_size=_DIGEST_BYTES).digest()
