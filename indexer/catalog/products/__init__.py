"""Products: turns the records of any table into products, with ids, images and fields."""

from __future__ import annotations

from indexer.catalog.products.column_names import plain_column
from indexer.catalog.products.field_values import product_fields
from indexer.catalog.products.inspection import (
    CatalogInspection,
    InspectedProduct,
    inspect_catalog,
)
from indexer.catalog.products.several_catalogs import SeveralCatalogs
from indexer.catalog.products.table_catalog import TableCatalog

__all__ = [
    "CatalogInspection",
    "InspectedProduct",
    "SeveralCatalogs",
    "TableCatalog",
    "inspect_catalog",
    "plain_column",
    "product_fields",
]
