"""Files of catalogs: patterns, standard input, compression, and formats known by first bytes."""

from __future__ import annotations

from indexer.catalog.tables.files.compression import compression_of, open_bytes, plain_name
from indexer.catalog.tables.files.folders import tables_of_folder
from indexer.catalog.tables.files.patterns import matching_paths
from indexer.catalog.tables.files.recognition import text_ending, text_head
from indexer.catalog.tables.files.standard_input import STANDARD_INPUT, save_standard_input

__all__ = [
    "STANDARD_INPUT",
    "compression_of",
    "matching_paths",
    "open_bytes",
    "plain_name",
    "save_standard_input",
    "tables_of_folder",
    "text_ending",
    "text_head",
]
