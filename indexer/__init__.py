"""Catalogs, the index folder and nearest neighbours. Knows nothing of HTTP."""

from __future__ import annotations

from indexer.errors import (
    BuildError,
    BuildInterruptedError,
    CatalogError,
    DamagedIndexError,
    EncoderMismatchError,
    IndexFolderError,
    IndexLockedError,
    NoIndexError,
    QueryError,
    RowError,
    SourceError,
    TaxonomyError,
    TooManyBadRowsError,
    UnknownProductError,
)

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
