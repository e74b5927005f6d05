"""Spreadsheets: .xlsx, .xls and .ods files, read in a process of their own."""

from __future__ import annotations

from indexer.catalog.tables.sheets.spreadsheet import Spreadsheet

__all__ = ["Spreadsheet"]
