"""Products: turns the records of any table into products, with ids, images and fields."""

from __future__ import annotations

from indexer.catalog.products.table_catalog import TableCatalog

__all__ = ["TableCatalog"]
