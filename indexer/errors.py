"""The indexer's branches of the error tree (its root is in `embeddings.errors`).

LookalikeError
├── CatalogError               the whole catalog is unusable
├── RowError                   one row of a catalog is unusable
│   └── SourceError            its picture's bytes can't be had
├── IndexFolderError           the index folder is unusable
│   ├── NoIndexError           nothing was ever published there
│   ├── DamagedIndexError      files missing, cut short or changed
│   └── EncoderMismatchError   made by another encoder
├── BuildError                 a build can't go on
│   ├── TooManyBadRowsError    more rows are broken than allowed
│   ├── IndexLockedError       another build holds the folder
│   └── BuildInterruptedError  stopped from outside; resumes where it was
├── TaxonomyError              a taxonomy, or a fit of one, that can't be used
└── QueryError                 a query that means nothing
    └── UnknownProductError    no product has that id
"""

from __future__ import annotations

from embeddings import LookalikeError

__all__ = [
    "BuildError",
    "BuildInterruptedError",
    "CatalogError",
    "DamagedIndexError",
    "EncoderMismatchError",
    "IndexFolderError",
    "IndexLockedError",
    "NoIndexError",
    "QueryError",
    "RowError",
    "SourceError",
    "TaxonomyError",
    "TooManyBadRowsError",
    "UnknownProductError",
]


class CatalogError(LookalikeError):
    """A catalog of which nothing can be used: missing, empty, no id column, unknown format."""

    code = "bad_catalog"


class RowError(LookalikeError):
    """One row of a catalog that can't be used; the other rows can.

    Attributes:
        reason: A stable code for machines, a value of `indexer.catalog.Reason`.
    """

    code = "bad_row"

    def __init__(self, reason: str, message: str) -> None:
        # Both are args of the exception, so that it survives the way back from a worker process.
        super().__init__(reason, message)
        self.reason = reason

    def __str__(self) -> str:
        return str(self.args[1])


class SourceError(RowError):
    """The bytes of a picture can't be had: gone, no regular file, too large, at a URL."""

    code = "bad_source"


class IndexFolderError(LookalikeError):
    """An index folder that can't be used."""

    code = "bad_index"


class NoIndexError(IndexFolderError):
    """The folder holds no published index."""

    code = "no_index"


class DamagedIndexError(IndexFolderError):
    """Files of the index are missing, cut short or changed since they were published."""

    code = "damaged_index"


class EncoderMismatchError(IndexFolderError):
    """The index was made by another encoder than the one at hand."""

    code = "encoder_mismatch"


class BuildError(LookalikeError):
    """A build that can't go on; the published generation is as it was."""

    code = "build_failed"


class TooManyBadRowsError(BuildError):
    """More rows are broken than the build was allowed to leave out."""

    code = "too_many_bad_rows"


class IndexLockedError(BuildError):
    """Another process is building into the same folder."""

    code = "index_locked"


class BuildInterruptedError(BuildError):
    """The build was stopped from outside; the next one resumes where it was."""

    code = "interrupted"


class TaxonomyError(LookalikeError):
    """A taxonomy, or what was fitted to one, that can't be used; the message names the place."""

    code = "bad_taxonomy"


class QueryError(LookalikeError):
    """A query that can't be answered as it stands."""

    code = "invalid_query"


class UnknownProductError(QueryError):
    """No product of the index has that id."""

    code = "not_found"
