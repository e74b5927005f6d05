"""Indexing and search: catalogs, the index folder, nearest neighbours, ranking and quality."""

from __future__ import annotations

from indexer.errors import (
    BuildError,
    BuildInterruptedError,
    CatalogError,
    DamagedIndexError,
    EncoderMismatchError,
    IndexFolderError,
    IndexLockedError,
    KeyReusedError,
    NoIndexError,
    QueryError,
    RowError,
    SearchCancelledError,
    SourceError,
    TaxonomyError,
    TooManyBadRowsError,
    UnknownProductError,
    VersionConflictError,
    WriteError,
    WriteLogError,
)

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
