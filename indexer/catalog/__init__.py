"""Catalogs: folders of pictures and CSV, TSV, JSON Lines and Parquet files, read as one stream."""

from __future__ import annotations

from indexer.catalog.formats.opening import open_catalog
from indexer.catalog.image_sources import ImageSource
from indexer.catalog.product_ids import MAX_ID_BYTES, IdLedger
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Reason

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
