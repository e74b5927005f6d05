"""Validators of fetched images (RFC 9110, 8.8): an image that did not change is not sent again."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

__all__ = ["Validator", "ValidatorStore"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS fetched(
    url BLOB PRIMARY KEY, etag BLOB NOT NULL, modified BLOB NOT NULL, sha256 BLOB NOT NULL
) WITHOUT ROWID
"""
_MOST_BYTES = 1024


class Validator(NamedTuple):
    """What a server calls the content that it sent.

    Attributes:
        etag: Its entity tag; empty for none.
        modified: When it was changed last; empty if it is not known.
    """

    etag: bytes = b""
    modified: bytes = b""

    def conditions(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that ask for another content only (RFC 9110, 13.1)."""
        if self.etag:
            return [(b"If-None-Match", self.etag)]
        return [(b"If-Modified-Since", self.modified)] if self.modified else []

    @property
    def is_usable(self) -> bool:
        """Whether it says anything, in bounds."""
        return bool(self.etag or self.modified) and len(self.etag + self.modified) <= _MOST_BYTES


class ValidatorStore:
    """The validators of the images that builds fetched, by their URLs; for many threads at once.

    A file that can be deleted at any time: what it lacks is fetched. It holds digests of URLs,
    which may contain tokens, and no headers that were sent.

    Args:
        path: The file; it is made if missing, and made anew if damaged.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._table = _open(path)
        except sqlite3.DatabaseError:
            with suppress(FileNotFoundError):
                path.unlink()
            self._table = _open(path)

    def find(self, url: str) -> tuple[Validator, bytes] | None:
        """Return the validator of a URL's content, and its SHA-256."""
        with self._lock:
            row = self._table.execute(
                "SELECT etag, modified, sha256 FROM fetched WHERE url = ?", (_key(url),)
            ).fetchone()
        return None if row is None else (Validator(row[0], row[1]), row[2])

    def put(self, url: str, validator: Validator, sha256: bytes) -> None:
        """Record what a URL's content is called; one without a usable validator is forgotten."""
        with self._lock:
            if validator.is_usable:
                self._table.execute(
                    "INSERT OR REPLACE INTO fetched VALUES (?, ?, ?, ?)",
                    (_key(url), validator.etag, validator.modified, sha256),
                )
            else:
                self._table.execute("DELETE FROM fetched WHERE url = ?", (_key(url),))

    def close(self) -> None:
        """Keep what was recorded."""
        with self._lock:
            self._table.commit()
            self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _key(url: str) -> bytes:
    return hashlib.blake2b(url.encode("utf-8"), digest_size=16).digest()


def _open(path: Path) -> sqlite3.Connection:
    table = sqlite3.connect(path, check_same_thread=False)
    try:
        table.execute(_SCHEMA)
    except sqlite3.DatabaseError:
        table.close()
        raise
    return table
