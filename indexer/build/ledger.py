"""Build ledger: the database of an unfinished build, with what it read, embedded and refused.

Embedded images survive a crash, and the next build finds them again. The rest describes one pass
over the catalog and starts empty with each build.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.catalog import BadRow, CatalogRow, FieldValue, Reason
from indexer.colours import ColourArray, colours_from_bytes

__all__ = [
    "EmbeddedImage",
    "Ledger",
    "StagedImage",
    "StagedLesson",
    "StagedProduct",
    "to_stored",
]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about(kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS embedded(
    sha256 BLOB PRIMARY KEY, vector BLOB NOT NULL, thumbnail BLOB NOT NULL, colours BLOB,
    findings TEXT);
CREATE TABLE IF NOT EXISTS texts(sha256 BLOB PRIMARY KEY, vector BLOB NOT NULL);
"""
# Primary result codes (sqlite.org/rescode.html) of a file that is damaged.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_READING_SCHEMA = """
DROP TABLE IF EXISTS products;
DROP TABLE IF EXISTS images;
DROP TABLE IF EXISTS failed;
DROP TABLE IF EXISTS refused;
CREATE TABLE products(
    row INTEGER PRIMARY KEY, line INTEGER NOT NULL, id TEXT NOT NULL, fields TEXT NOT NULL);
CREATE TABLE images(
    row INTEGER PRIMARY KEY, product INTEGER NOT NULL, sha256 BLOB NOT NULL,
    location TEXT NOT NULL);
CREATE INDEX images_by_product ON images(product);
CREATE TABLE failed(sha256 BLOB PRIMARY KEY, reason TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE refused(
    line INTEGER, id TEXT, reason TEXT NOT NULL, message TEXT NOT NULL, col TEXT, value TEXT);
"""


@dataclass(frozen=True)
class EmbeddedImage:
    """An embedded image.

    Attributes:
        sha256: Of its content.
        vector: `[dim]` float16 unit vector.
        thumbnail: A WebP file; empty if none was wanted.
        colours: `[5, 4]`; None if a version of this program without colours embedded it.
        findings: What an examination of the image found, as JSON; empty without one.
        features: `[width]` float16, what a map takes; None where they are not kept.
        adapted: `[dim]` float16, the vector by the map of the segment that it comes from.
    """

    sha256: bytes
    vector: np.ndarray
    thumbnail: bytes
    colours: ColourArray | None = None
    findings: str = ""
    features: np.ndarray | None = None
    adapted: np.ndarray | None = None


@dataclass(frozen=True)
class StagedLesson:
    """A product of the catalog with its first image, to learn from.

    Attributes:
        fields: As the catalog gives them.
        sha256: Of the image's content.
        vector: `[dim]` float16.
        features: `[width]` float16.
        colours: `[5, 4]`, if they were measured.
    """

    fields: Mapping[str, FieldValue]
    sha256: bytes
    vector: np.ndarray
    features: np.ndarray
    colours: ColourArray | None


@dataclass(frozen=True)
class StagedImage:
    """An image of a product in the catalog.

    Attributes:
        sha256: Of its content.
        location: Its path or URL in the catalog.
        embedded: Its embedding, if this build made it.
        failed: Whether it can't be used.
    """

    sha256: bytes
    location: str
    embedded: EmbeddedImage | None
    failed: bool


@dataclass(frozen=True)
class StagedProduct:
    """A product of the catalog, all of whose images were tried."""

    id: str
    fields: Mapping[str, FieldValue]
    images: tuple[StagedImage, ...]


class Ledger:
    """Records a build's progress. `commit` makes everything so far durable.

    Only the process that holds the write lock of the index may open it.

    Args:
        path: The database file; it is made if missing.
        kind: What an embedded image depends on besides its content: the encoder, whether a
            thumbnail is kept, and how it was examined. Images embedded for another kind are
            forgotten.
    """

    def __init__(self, path: Path, kind: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = _open(path)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _DAMAGED:
                raise  # such as a full disk: the content is still good
            # Nothing in a damaged database can be trusted: embed again.
            path.unlink()
            self._db = _open(path)
        row = self._db.execute("SELECT kind FROM about").fetchone()
        if row is None or row[0] != kind:
            self._db.execute("DELETE FROM embedded")
            self._db.execute("DELETE FROM texts")
            self._db.execute("DELETE FROM about")
            self._db.execute("INSERT INTO about VALUES (?)", (kind,))
        self._db.commit()

    def start_reading(self) -> None:
        """Forget what was read of the catalog; embedded images stay."""
        self._db.commit()
        self._db.executescript(_READING_SCHEMA)

    def close(self) -> None:
        """Close the database; uncommitted changes are lost."""
        self._db.close()

    def commit(self) -> None:
        """Make everything so far durable."""
        self._db.commit()

    def add_product(self, row: CatalogRow) -> int:
        """Record a catalog row.

        Returns:
            The number to pass to `add_image`.
        """
        cursor = self._db.execute(
            "INSERT INTO products(line, id, fields) VALUES (?, ?, ?)",
            (row.line, row.id, json.dumps(dict(row.fields), ensure_ascii=False)),
        )
        return int(cursor.lastrowid or 0)

    def add_image(self, product: int, sha256: bytes, location: str) -> None:
        """Record an image of a product, in the order of its images."""
        self._db.execute(
            "INSERT INTO images(product, sha256, location) VALUES (?, ?, ?)",
            (product, sha256, location),
        )

    def add_embedded(self, images: Iterable[EmbeddedImage]) -> None:
        """Record the vectors, thumbnails and colours of images."""
        self._db.executemany(
            "INSERT OR REPLACE INTO "
            "embedded(sha256, vector, thumbnail, colours, findings, features) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    image.sha256,
                    image.vector.tobytes(),
                    image.thumbnail,
                    _to_blob(image.colours),
                    image.findings,
                    _to_blob(image.features),
                )
                for image in images
            ),
        )

    def text_vectors(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """Return the recorded vectors, `[dim]` float16, of those keys (SHA-256) that have one."""
        found = {}
        for key in keys:
            row = self._db.execute("SELECT vector FROM texts WHERE sha256 = ?", (key,)).fetchone()
            if row is not None:
                found[key] = np.frombuffer(row[0], np.float16)
        return found

    def add_texts(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Record vectors of texts, durably."""
        self._db.executemany(
            "INSERT OR REPLACE INTO texts VALUES (?, ?)",
            ((key, vector.tobytes()) for key, vector in vectors.items()),
        )
        self._db.commit()

    def add_failed(self, sha256: bytes, reason: str, message: str) -> None:
        """Record an image that can't be used, wherever the catalog has it."""
        self._db.execute(
            "INSERT OR REPLACE INTO failed VALUES (?, ?, ?)", (sha256, reason, message)
        )

    def judge(self, hold: Callable[[StagedProduct, StagedImage], str | None]) -> None:
        """Hold images back that none of their products may show.

        Args:
            hold: Returns why a product may not show an image; None if it may.
        """
        reasons: dict[bytes, str | None] = {}
        for product in self.products():
            for image in product.images:
                if not image.failed and reasons.get(image.sha256, "") is not None:
                    reasons[image.sha256] = hold(product, image)
        for sha256, message in reasons.items():
            if message is not None:
                self.add_failed(sha256, Reason.UNSAFE_IMAGE, message)

    def add_refused(self, row: BadRow) -> None:
        """Record a catalog row, or one of its images, that can't be used."""
        self._db.execute(
            "INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?)",
            (row.line, row.id, row.reason, row.message, row.column, row.value),
        )

    def was_tried(self, sha256: bytes) -> bool:
        """Whether an image is embedded or recorded as failed."""
        found = self._db.execute(
            "SELECT 1 FROM embedded WHERE sha256 = ?1 UNION ALL "
            "SELECT 1 FROM failed WHERE sha256 = ?1",
            (sha256,),
        )
        return found.fetchone() is not None

    def refused(self) -> Iterator[BadRow]:
        """Yield everything that goes into quarantine, by catalog line."""
        rows = self._db.execute(
            "SELECT line, id, reason, message, col, value FROM refused UNION ALL "
            "SELECT p.line, p.id, f.reason, "
            "  CASE i.location WHEN '' THEN f.message ELSE i.location || ': ' || f.message END,"
            "  NULL, nullif(i.location, '') "
            "FROM images i JOIN failed f USING (sha256) JOIN products p ON p.row = i.product "
            "ORDER BY 1"
        )
        for row in rows:
            yield BadRow(*row)

    def count_bad_lines(self) -> int:
        """Count the catalog rows of which nothing can be indexed."""
        bad = self._db.execute(
            "SELECT (SELECT count(DISTINCT line) FROM refused"
            "  WHERE line NOT IN (SELECT line FROM products)) + "
            "(SELECT count(*) FROM products p WHERE NOT EXISTS (SELECT 1 FROM images i"
            "  WHERE i.product = p.row AND i.sha256 NOT IN (SELECT sha256 FROM failed)))"
        )
        return int(bad.fetchone()[0])

    def lessons(self, most: int, seed: int = 0) -> Iterator[StagedLesson]:
        """Yield a random sample of the products, each with its first image that has features."""
        count = self._db.execute("SELECT count(*) FROM products").fetchone()[0]
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.permutation(count)[:most]) if count > most else np.arange(count)
        numbers = [row for (row,) in self._db.execute("SELECT row FROM products ORDER BY row")]
        for place in chosen.tolist():
            found = self._db.execute(
                "SELECT p.fields, e.sha256, e.vector, e.features, e.colours FROM products p "
                "JOIN images i ON i.product = p.row JOIN embedded e ON e.sha256 = i.sha256 "
                "WHERE p.row = ? AND e.features IS NOT NULL ORDER BY i.row LIMIT 1",
                (numbers[place],),
            ).fetchone()
            if found is None:
                continue
            fields, sha256, vector, features, colours = found
            yield StagedLesson(
                json.loads(fields),
                sha256,
                np.frombuffer(vector, np.float16),
                np.frombuffer(features, np.float16),
                None if colours is None else colours_from_bytes(colours),
            )

    def products(self) -> Iterator[StagedProduct]:
        """Yield the products in catalog order, each with its images."""
        rows = self._db.execute(
            "SELECT p.row, p.id, p.fields, i.sha256, i.location, e.vector, e.thumbnail, e.colours, "
            "e.findings, e.features, f.sha256 IS NOT NULL "
            "FROM products p JOIN images i ON i.product = p.row "
            "LEFT JOIN embedded e ON e.sha256 = i.sha256 "
            "LEFT JOIN failed f ON f.sha256 = i.sha256 "
            "ORDER BY p.row, i.row"
        )
        number: int | None = None
        product_id, fields = "", "{}"
        images: list[StagedImage] = []
        for row, row_id, row_fields, sha256, location, *embedding, failed in rows:
            if row != number and images:
                yield StagedProduct(product_id, json.loads(fields), tuple(images))
                images = []
            number, product_id, fields = row, row_id, row_fields
            images.append(
                StagedImage(sha256, location, _embedded(sha256, *embedding), bool(failed))
            )
        if images:
            yield StagedProduct(product_id, json.loads(fields), tuple(images))


def _embedded(
    sha256: bytes,
    vector: bytes | None,
    thumbnail: bytes,
    colours: bytes | None,
    findings: str | None,
    features: bytes | None,
) -> EmbeddedImage | None:
    if vector is None:
        return None
    palette = None if colours is None else colours_from_bytes(colours)
    return EmbeddedImage(
        sha256,
        np.frombuffer(vector, np.float16),
        thumbnail,
        palette,
        findings or "",
        None if features is None else np.frombuffer(features, np.float16),
    )


def _to_blob(array: np.ndarray | None) -> bytes | None:
    return None if array is None else array.tobytes()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_SCHEMA + _READING_SCHEMA)
        columns = [row[1] for row in database.execute("PRAGMA table_info(embedded)")]
        for column, kind in (("colours", "BLOB"), ("findings", "TEXT"), ("features", "BLOB")):
            if column not in columns:  # written by a version without it
                database.execute(f"ALTER TABLE embedded ADD COLUMN {column} {kind}")
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def to_stored(vectors: FloatArray) -> np.ndarray:
    """Return unit vectors as they are stored: float16, which keeps a cosine to about 0.0005.

    A feature that float16 can't hold is infinite there; its image is then not adapted.
    """
    with np.errstate(over="ignore"):
        return vectors.astype(np.float16)
