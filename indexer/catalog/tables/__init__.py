"""Tables: one reader for each file format, which yields the records of a file."""

from __future__ import annotations

from indexer.catalog.tables.opening import open_table
from indexer.catalog.tables.plain_rows import TableRow, read_table
from indexer.catalog.tables.table import (
    BrokenRecord,
    Record,
    Roles,
    Table,
    TableDescription,
    TableOptions,
    Unreadable,
    check_unique,
)

__all__ = [
    "BrokenRecord",
    "Record",
    "Roles",
    "Table",
    "TableDescription",
    "TableOptions",
    "TableRow",
    "Unreadable",
    "check_unique",
    "open_table",
    "read_table",
]
