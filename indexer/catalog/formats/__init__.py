"""Catalog formats: each reads one kind of file or folder as a stream of rows."""

from __future__ import annotations

from indexer.catalog.formats.opening import open_catalog
from indexer.catalog.formats.plain_tables import TableRow, read_table

__all__ = ["TableRow", "open_catalog", "read_table"]
