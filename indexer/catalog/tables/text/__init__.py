"""Text files: delimited text, JSON Lines and JSON."""

from __future__ import annotations

from indexer.catalog.tables.text.delimited import DelimitedTable
from indexer.catalog.tables.text.json_file import JsonFile
from indexer.catalog.tables.text.jsonl import JsonLinesTable, parse_object
from indexer.catalog.tables.text.text_file import TextFile

__all__ = ["DelimitedTable", "JsonFile", "JsonLinesTable", "TextFile", "parse_object"]
