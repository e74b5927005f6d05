"""Arrow data: Parquet files and folders of them, Arrow files."""

from __future__ import annotations

from indexer.catalog.tables.arrow.arrow_file import ArrowFile
from indexer.catalog.tables.arrow.parquet import ParquetTable
from indexer.catalog.tables.arrow.parquet_folder import ParquetFolder, parquet_files

__all__ = ["ArrowFile", "ParquetFolder", "ParquetTable", "parquet_files"]
