"""Text files: delimited text and JSON Lines, read by lines."""

from __future__ import annotations

from indexer.catalog.tables.text.delimited import DelimitedTable
from indexer.catalog.tables.text.jsonl import JsonLinesTable

__all__ = ["DelimitedTable", "JsonLinesTable"]
