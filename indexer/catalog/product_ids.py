"""Product ids: what may be one, and whether one was used before."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import unicodedata
from types import TracebackType
from typing import Self

from indexer.catalog.quoting import quote_for_message
from indexer.errors import RowError

__all__ = ["MAX_ID_BYTES", "IdLedger", "check_id", "clean_id"]

MAX_ID_BYTES = 512

# Control characters, halves of surrogate pairs, and the two separators that end a line.
_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Whole numbers beyond are not exact in a float, so that an id would be another than the one meant.
_EXACT_FLOAT = 2.0**53


def clean_id(value: object) -> str:
    """Turn the value of an id column into an id.

    Args:
        value: Text, a whole number, or UTF-8 bytes; spaces around it are dropped. A float is one
            where it is whole, since tables with gaps hold whole numbers so.

    Raises:
        RowError: `missing_id`, `bad_id`, `id_too_long` or `bad_utf8`.
    """
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
    """Raise a `RowError` when the text can't be an id: `bad_id`, `id_too_long`."""
    if not text.isprintable() and any(unicodedata.category(c) in _FORBIDDEN for c in text):
        raise RowError(
            "bad_id",
            f"the id {quote_for_message(text)} has control characters in it; take them out",
        )
    size = len(text.encode("utf-8"))
    if size > MAX_ID_BYTES:
        raise RowError(
            "id_too_long", f"the id has {size:,} bytes; up to {MAX_ID_BYTES} are allowed"
        )


class IdLedger:
    """Remembers which row used an id first.

    Ids are kept as 16-byte BLAKE2b digests (a false match among ten million ids has a chance below
    1e-24) in a temporary SQLite table, which stays in memory while it is small and goes to an
    unnamed temporary file after that: ten million ids take about 64 MiB of memory and 300 MB of
    disk.
    """

    _CACHE_KIB = 64 * 1024

    def __init__(self) -> None:
        # The empty name means a private file that SQLite deletes itself (sqlite.org/inmemorydb).
        self._table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._table.execute(f"PRAGMA cache_size = -{self._CACHE_KIB}")
        self._table.execute("PRAGMA journal_mode = OFF")
        self._table.execute("PRAGMA synchronous = OFF")
        self._table.execute(
            "CREATE TABLE ids (digest BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID"
        )
        self._table.execute("BEGIN")

    def claim(self, product_id: str, line: int) -> int:
        """Take an id for a line, unless an earlier one has it; returns the line that has it."""
        digest = hashlib.blake2b(product_id.encode("utf-8"), digest_size=16).digest()
        added = self._table.execute("INSERT OR IGNORE INTO ids VALUES (?, ?)", (digest, line))
        if added.rowcount:
            return line
        found = self._table.execute("SELECT line FROM ids WHERE digest = ?", (digest,)).fetchone()
        return int(found[0])

    def close(self) -> None:
        """Forget everything."""
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
