"""The indexer's branches of the error tree (its root is in `embeddings.errors`).

LookalikeError
├── CatalogError               the whole catalog is unusable
├── RowError                   one row of a catalog is unusable
│   └── SourceError            the bytes of an image can't be read or fetched
├── IndexFolderError           the index folder is unusable
│   ├── NoIndexError           nothing was ever published there
│   ├── DamagedIndexError      files are missing, cut short or changed
│   └── EncoderMismatchError   another encoder made the index
├── BuildError                 a build can't continue
│   ├── TooManyBadRowsError    more rows are unusable than allowed
│   ├── IndexLockedError       another process writes the index
│   └── BuildInterruptedError  stopped from outside; the next build resumes it
├── WriteError                 a product can't be written as asked
│   ├── VersionConflictError   a newer version of it was written already
│   └── KeyReusedError         its Idempotency-Key came with another write
├── WriteLogError              the log of writes can't be written or read
├── TaxonomyError              a taxonomy, or its fit, is unusable
├── QueryError                 a query is invalid
│   └── UnknownProductError    no product has that id
└── SearchCancelledError       nobody waits for the search any more
"""

from __future__ import annotations

from typing import Self

from embeddings import LookalikeError

__all__ = [
    "BuildError",
    "BuildInterruptedError",
    "CatalogError",
    "DamagedIndexError",
    "EncoderMismatchError",
    "IndexFolderError",
    "IndexLockedError",
    "KeyReusedError",
    "NoIndexError",
    "QueryError",
    "RowError",
    "SearchCancelledError",
    "SourceError",
    "TaxonomyError",
    "TooManyBadRowsError",
    "UnknownProductError",
    "VersionConflictError",
    "WriteError",
    "WriteLogError",
]


class CatalogError(LookalikeError):
    """The whole catalog is unusable: missing, empty, without an id column, of unknown format."""

    code = "bad_catalog"


class RowError(LookalikeError):
    """One row of a catalog is unusable; the other rows are not affected.

    Attributes:
        reason: A stable code, a value of `indexer.catalog.Reason`.
        column: The column whose value is the problem, where it is known.
        value: That value.
    """

    code = "bad_row"

    def __init__(self, reason: str, message: str) -> None:
        # Both are args of the exception, so that it can be pickled by a worker process.
        super().__init__(reason, message)
        self.reason = reason
        self.column: str | None = None
        self.value: object = None

    def at(self, column: str | None, value: object) -> Self:
        """Add the column and the value that are the problem."""
        self.column, self.value = column, value
        return self

    def __str__(self) -> str:
        return str(self.args[1])


class SourceError(RowError):
    """The bytes of an image can't be read or fetched: missing, not a file, too large."""

    code = "bad_source"


class IndexFolderError(LookalikeError):
    """The index folder is unusable."""

    code = "bad_index"


class NoIndexError(IndexFolderError):
    """The folder holds no published index."""

    code = "no_index"


class DamagedIndexError(IndexFolderError):
    """Files of the index are missing, cut short or changed since they were published."""

    code = "damaged_index"


class EncoderMismatchError(IndexFolderError):
    """The index was made by another encoder than the loaded one."""

    code = "encoder_mismatch"


class BuildError(LookalikeError):
    """A build can't continue; the published generation is unchanged."""

    code = "build_failed"


class TooManyBadRowsError(BuildError):
    """More rows are unusable than `max_bad` allows."""

    code = "too_many_bad_rows"


class IndexLockedError(BuildError):
    """Another process writes the same index."""

    code = "index_locked"


class BuildInterruptedError(BuildError):
    """The build was stopped from outside; the next one resumes it."""

    code = "interrupted"


class TaxonomyError(LookalikeError):
    """A taxonomy, or its fit, is unusable; the message names the place."""

    code = "bad_taxonomy"


class QueryError(LookalikeError):
    """A query is invalid."""

    code = "invalid_query"


class UnknownProductError(QueryError):
    """No product of the index has that id."""

    code = "not_found"


class SearchCancelledError(LookalikeError):
    """The search was given up, since nobody waits for its answer any more."""

    code = "cancelled"


class WriteError(LookalikeError):
    """A product can't be written as asked: a field that does not fit, or no image."""

    code = "invalid_write"


class VersionConflictError(WriteError):
    """The version is not newer than the one that was written last."""

    code = "version_conflict"


class KeyReusedError(WriteError):
    """The same Idempotency-Key came with another write before."""

    code = "idempotency_key_reused"


class WriteLogError(LookalikeError):
    """The log of writes can't be written or read, as when the disk is full; nothing was written."""

    code = "not_written"
