"""Delimited tables: CSV and TSV files with a header."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from indexer.catalog.rows import Reason
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, Table, TableDescription
from indexer.catalog.tables.text.csv_records import CsvRecord, read_header, read_records
from indexer.catalog.tables.text.text_lines import count_lines, read_lines
from indexer.errors import RowError

__all__ = ["DelimitedTable"]

_FORMATS = {",": "CSV", "\t": "TSV"}


class DelimitedTable(Table):
    """A UTF-8 text file with a header and one record after another. CSV and TSV quote alike.

    Args:
        path: The file.
        delimiter: `,` or a tab.

    Raises:
        CatalogError: The file is empty, or its header is broken.
        OSError: The file can't be read.
    """

    untyped = True

    def __init__(self, path: Path, delimiter: str) -> None:
        super().__init__(path)
        self._delimiter = delimiter
        self._header = read_header(self.name, self._records())
        self.columns = self._header

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        name = _FORMATS[self._delimiter]
        return TableDescription(name, encoding="UTF-8", delimiter=self._delimiter)

    @cached_property
    def count(self) -> int:
        """The number of records at most: one of several lines counts once for each line."""
        return max(0, count_lines(self.path) - 1)

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`; every value is the text of a cell."""
        header = self._header
        records = self._records()
        next(records, None)
        for record in records:
            values = dict(zip(header, record.cells, strict=False))
            if record.problem is not None:
                yield BrokenRecord(record.line, record.problem, values)
            elif len(record.cells) != len(header):
                problem = RowError(
                    Reason.RAGGED_ROW,
                    f"the row has {len(record.cells)} cells and the header {len(header)}; add or "
                    "remove cells, and quote cells that contain the separator",
                )
                yield BrokenRecord(record.line, problem, values)
            else:
                yield Record(record.line, values)

    def _records(self) -> Iterator[CsvRecord]:
        return read_records(read_lines(self.path), self._delimiter)
