"""Text files: delimited text and JSON Lines, read by lines."""

from __future__ import annotations

from indexer.catalog.tables.text.delimited import DelimitedTable
from indexer.catalog.tables.text.jsonl import JsonLinesTable, parse_object
from indexer.catalog.tables.text.text_file import TextFile

__all__ = ["DelimitedTable", "JsonLinesTable", "TextFile", "parse_object"]
