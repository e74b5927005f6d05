"""Catalogs: folders of pictures and CSV, TSV, JSON Lines and Parquet files, read as one stream."""

from __future__ import annotations

from indexer.catalog.ids import MAX_ID_BYTES, IdLedger
from indexer.catalog.model import BadRow, Catalog, CatalogOptions, CatalogRow, Reason
from indexer.catalog.opening import open_catalog
from indexer.catalog.sources import ImageSource

__all__ = [
    "MAX_ID_BYTES",
    "BadRow",
    "Catalog",
    "CatalogOptions",
    "CatalogRow",
    "IdLedger",
    "ImageSource",
    "Reason",
    "open_catalog",
]
