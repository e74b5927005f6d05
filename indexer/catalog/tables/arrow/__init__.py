"""Arrow data: Parquet files and folders of them."""

from __future__ import annotations

from indexer.catalog.tables.arrow.parquet import ParquetTable
from indexer.catalog.tables.arrow.parquet_folder import ParquetFolder, parquet_files

__all__ = ["ParquetFolder", "ParquetTable", "parquet_files"]
