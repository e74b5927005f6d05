"""Write log: a database of the writes that no generation has yet, and of the versions of products.

A write is durable once `WriteLog.accept` returns. SQLite's write-ahead log gives that: its frames
have checksums, a transaction is synced as a whole, and what a crash tore is left out. Several
processes may share the file.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from embeddings import LookalikeError
from indexer.build.live.fields import checked_fields
from indexer.build.live.writes import Action, LoggedWrite, Receipt, Result, Write
from indexer.catalog import FieldType
from indexer.colours import colours_from_bytes
from indexer.errors import (
    KeyReusedError,
    UnknownProductError,
    VersionConflictError,
    WriteError,
    WriteLogError,
)
from indexer.index import Index, NewImage

__all__ = ["WriteLog"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS writes(
    number INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, id TEXT NOT NULL,
    fields TEXT NOT NULL, encoder TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS writes_by_id ON writes(id);
CREATE TABLE IF NOT EXISTS images(
    write INTEGER NOT NULL, place INTEGER NOT NULL, sha256 BLOB NOT NULL, location TEXT NOT NULL,
    vector BLOB NOT NULL, features BLOB NOT NULL, thumbnail BLOB NOT NULL, colours BLOB,
    findings TEXT NOT NULL, PRIMARY KEY(write, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions(
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, digest BLOB NOT NULL, number INTEGER NOT NULL
    ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers(
    key TEXT PRIMARY KEY, digest BLOB NOT NULL, receipt TEXT NOT NULL, at REAL NOT NULL
    ) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_time ON answers(at);
CREATE TABLE IF NOT EXISTS types(name TEXT PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS generations(number INTEGER PRIMARY KEY, digest TEXT NOT NULL, at REAL);
CREATE TABLE IF NOT EXISTS state(applied INTEGER NOT NULL, generation INTEGER NOT NULL);
INSERT INTO state SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM state);
"""

# Seconds that an Idempotency-Key is remembered, and that a process waits for another's write.
_KEY_SECONDS = 24 * 3600.0
_BUSY_SECONDS = 10.0
_RETRY_SECONDS = 0.02

MAX_VERSION = 2**63 - 1
"""The highest version of a product."""


class WriteLog:
    """The log of an index folder; safe for several threads.

    Args:
        path: The database file; it is made if missing.

    Raises:
        WriteLogError: It can't be written or read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with _reported(path):
            self._db = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            _prepare(self._db)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def accept(
        self, writes: Sequence[Write], view: Callable[[int], Index]
    ) -> list[Receipt | LookalikeError]:
        """Make writes durable, in order and with one sync; one that is refused fails alone.

        Args:
            writes: The changes.
            view: Gives the generation to check them against, at least as new as a number.

        Returns:
            For each write its receipt, or why it was refused: `VersionConflictError`,
            `UnknownProductError`, `KeyReusedError` or another `WriteError`.

        Raises:
            WriteLogError: The log can't be written; none of them is.
        """
        with self._transaction():
            index = view(self._db.execute("SELECT generation FROM state").fetchone()[0])
            self._db.execute("DELETE FROM answers WHERE at < ?", (time.time() - _KEY_SECONDS,))
            types = self._types(index)
            return [self._accept(write, index, types) for write in writes]

    def pending(self, most: int) -> list[LoggedWrite]:
        """Return the oldest writes that no generation has, up to a number."""
        with self._reading():
            rows = self._db.execute(
                "SELECT number, action, id, fields, encoder FROM writes ORDER BY number LIMIT ?",
                (most,),
            ).fetchall()
            return [
                LoggedWrite(
                    number,
                    Action(action),
                    product_id,
                    json.loads(fields),
                    self._images(number) if encoder else (),
                    encoder,
                )
                for number, action, product_id, fields, encoder in rows
            ]

    def types(self, index: Index) -> dict[str, FieldType]:
        """Return the types of the fields of an index with all writes."""
        with self._reading():
            return self._types(index)

    def applied(self) -> tuple[int, int]:
        """Return the number up to which all writes are in a generation, and that generation."""
        with self._reading():
            applied, generation = self._db.execute("SELECT * FROM state").fetchone()
            return applied, generation

    def backlog(self) -> int:
        """Return how many writes no generation has yet."""
        with self._reading():
            return int(self._db.execute("SELECT count(*) FROM writes").fetchone()[0])

    def announce(self, generation: int, digest: str) -> None:
        """Note that a generation is about to be published for writes."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO generations VALUES (?, ?, ?)",
                (generation, digest, time.time()),
            )

    def mark_applied(self, number: int, generation: int) -> None:
        """Drop the writes up to a number, which a generation has."""
        with self._transaction():
            self._db.execute("DELETE FROM images WHERE write <= ?", (number,))
            self._db.execute("DELETE FROM writes WHERE number <= ?", (number,))
            self._db.execute(
                "UPDATE state SET applied = max(applied, ?), generation = ?", (number, generation)
            )

    def announced(self, before: float) -> dict[int, str]:
        """Return generations that were published for writes before a time, with their digests."""
        with self._reading():
            rows = self._db.execute(
                "SELECT number, digest FROM generations WHERE at < ?", (before,)
            )
            return dict(rows.fetchall())

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget generations that were published for writes."""
        with self._transaction():
            self._db.executemany(
                "DELETE FROM generations WHERE number = ?", [(n,) for n in numbers]
            )

    def _accept(
        self, write: Write, index: Index, types: dict[str, FieldType]
    ) -> Receipt | LookalikeError:
        try:
            digest = write.digest()
            repeated = self._repeated(write, digest)
            if repeated is not None:
                return repeated
            receipt = self._log(write, digest, index, types)
        except LookalikeError as error:
            return error
        if write.key:
            content = json.dumps([receipt.id, receipt.version, receipt.result, receipt.number])
            self._db.execute(
                "INSERT INTO answers VALUES (?, ?, ?, ?)", (write.key, digest, content, time.time())
            )
        return receipt

    def _repeated(self, write: Write, digest: bytes) -> Receipt | None:
        """Return the receipt of the same write that came before with the same key."""
        if not write.key:
            return None
        row = self._db.execute(
            "SELECT digest, receipt FROM answers WHERE key = ?", (write.key,)
        ).fetchone()
        if row is None:
            return None
        if row[0] != digest:
            raise KeyReusedError(
                "This Idempotency-Key came with another write before; give each write a new one."
            )
        product_id, version, result, number = json.loads(row[1])
        return Receipt(product_id, version, Result(result), number)

    def _log(
        self, write: Write, digest: bytes, index: Index, types: dict[str, FieldType]
    ) -> Receipt:
        row = self._db.execute(
            "SELECT version, digest, number FROM versions WHERE id = ?", (write.id,)
        ).fetchone()
        current, former, before = row if row is not None else (0, b"", 0)
        if write.version is not None and write.version == current and former == digest:
            return Receipt(write.id, current, Result.UNCHANGED, before)
        version = current + 1 if write.version is None else write.version
        if version <= current or version > MAX_VERSION:
            raise VersionConflictError(
                f"Version {version} of this product is not newer than {current}, which was "
                "written before."
            )
        exists = self._exists(write.id, index)
        if write.action is not Action.PUT and not exists:
            raise UnknownProductError(f"There is no product {write.id!r}.")
        if write.action is Action.PUT and not write.images:
            raise WriteError("image: a product needs at least one image; PATCH changes fields.")
        fields, new = checked_fields(write.fields, types)
        given = index.manifest.tagging.fields if index.manifest.tagging is not None else {}
        for name in given.keys() & fields.keys():
            raise WriteError(f"fields.{name}: the tags of the index give this field.")
        if write.action is Action.PUT:
            fields = {name: value for name, value in fields.items() if value is not None}
        for name, kind in new.items():
            types[name] = kind
            self._db.execute("INSERT OR REPLACE INTO types VALUES (?, ?)", (name, kind.value))
        number = self._insert(write, json.dumps(fields), index)
        self._db.execute(
            "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?)",
            (write.id, version, digest, number),
        )
        if write.action is Action.DELETE:
            return Receipt(write.id, version, Result.DELETED, number)
        return Receipt(write.id, version, Result.UPDATED if exists else Result.CREATED, number)

    def _insert(self, write: Write, fields: str, index: Index) -> int:
        encoder = index.manifest.encoder.fingerprint if write.images else ""
        cursor = self._db.execute(
            "INSERT INTO writes(action, id, fields, encoder) VALUES (?, ?, ?, ?)",
            (write.action, write.id, fields, encoder),
        )
        number = int(cursor.lastrowid or 0)
        self._db.executemany(
            "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(number, place, *_columns(image)) for place, image in enumerate(write.images)],
        )
        return number

    def _exists(self, product_id: str, index: Index) -> bool:
        row = self._db.execute(
            "SELECT action FROM writes WHERE id = ? ORDER BY number DESC LIMIT 1", (product_id,)
        ).fetchone()
        return product_id in index if row is None else row[0] != Action.DELETE

    def _types(self, index: Index) -> dict[str, FieldType]:
        types = {name: FieldType(kind) for name, kind in index.manifest.fields.items()}
        for name, kind in self._db.execute("SELECT name, kind FROM types ORDER BY name"):
            widened = (types.get(name), kind) == (FieldType.INTEGER, FieldType.FLOAT)
            if name not in types or widened:
                types[name] = FieldType(kind)
        return types

    def _images(self, number: int) -> tuple[NewImage, ...]:
        rows = self._db.execute(
            "SELECT sha256, location, vector, features, thumbnail, colours, findings "
            "FROM images WHERE write = ? ORDER BY place",
            (number,),
        )
        return tuple(
            NewImage(
                sha256,
                location,
                np.frombuffer(vector, np.float16),
                thumbnail,
                colours=None if colours is None else colours_from_bytes(colours),
                findings=findings,
                features=np.frombuffer(features, np.float16) if features else None,
            )
            for sha256, location, vector, features, thumbnail, colours, findings in rows
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, _reported(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a failed COMMIT may have ended it already
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, _reported(self._path):
            yield


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables, unless another process does; it waits for that."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        except sqlite3.OperationalError as error:
            # A change of the mode does not wait, as other statements do.
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
            if database.in_transaction:
                database.execute("ROLLBACK")
            time.sleep(_RETRY_SECONDS)
        else:
            return


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise WriteLogError(
            f"The log of writes, {path.name} in the index folder, can't be used ({error}). "
            "Nothing was written."
        ) from error


def _columns(image: NewImage) -> tuple[object, ...]:
    return (
        image.sha256,
        image.location,
        image.vector.tobytes(),
        b"" if image.features is None else image.features.tobytes(),
        image.thumbnail,
        None if image.colours is None else image.colours.tobytes(),
        image.findings,
    )
