"""Delimited tables: text files with a header, such as CSV and TSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePath

from indexer.catalog.rows import Reason
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, Table, TableDescription
from indexer.catalog.tables.text.csv_records import CsvRecord, read_header, read_records
from indexer.catalog.tables.text.delimiters import find_delimiter, named_delimiter
from indexer.catalog.tables.text.text_file import TextFile
from indexer.errors import RowError

__all__ = ["DelimitedTable"]

_BY_ENDING = {".tsv": "\t", ".tab": "\t", ".psv": "|"}
# Lines that are looked at to find the delimiter, and records to find columns without a name.
_LINES = 200
_RECORDS = 1000


class DelimitedTable(Table):
    """A text file with a header and one record after another.

    The delimiter is found by looking. A column without a name gets one if it has values, and is
    passed over if it has none. The second of two columns of one name gets a number.

    Args:
        file: The file.
        delimiter: The character between cells, if it is known.

    Raises:
        CatalogError: The file is empty, or its header is broken.
        OSError: The file can't be read.
    """

    untyped = True

    def __init__(self, file: TextFile, delimiter: str | None = None) -> None:
        super().__init__(file.path)
        self._file = file
        lines = [line or "" for _, line in islice(file.lines(), _LINES)]
        named = named_delimiter(lines[0]) if lines else None
        self._skip = int(named is not None)
        preferred = _BY_ENDING.get(PurePath(file.name).suffix.lower(), ",")
        self._delimiter = delimiter or named or find_delimiter(lines, preferred)
        records = self._records()
        header = read_header(self.name, records)
        self.repeated = frozenset(name for name in header if name and header.count(name) > 1)
        self._header = _named(header, list(islice(records, _RECORDS)), self._note)
        # Cells without a column at the end of rows: `id;image;` and `1;a.jpg;`.
        self._unnamed = [at for at, name in enumerate(self._header) if not name]
        self.columns = [name for name in self._header if name]

    def _note(self, text: str) -> None:
        self.notes = (*self.notes, text)

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return TableDescription(
            "TSV" if self._delimiter == "\t" else "CSV",
            encoding=self._file.encoding,
            delimiter=self._delimiter,
            compression=self._file.compression,
        )

    @property
    def count(self) -> int:
        """The number of records at most: one of several lines counts once for each line."""
        return max(0, self._file.count - 1 - self._skip)

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`; every value is the text of a cell."""
        header, width = self._header, len(self._header)
        unnamed = bool(self._unnamed)
        records = self._records()
        next(records, None)
        for line, cells, problem in records:
            if problem is None and len(cells) == width and not unnamed:
                yield Record(line, dict(zip(header, cells, strict=True)))
                continue
            values = dict(zip(header, cells, strict=False))
            values.pop("", None)
            try:
                if problem is not None:
                    raise problem
                self._check_cells(cells)
            except RowError as error:
                yield BrokenRecord(line, error, values)
            else:
                yield Record(line, values)

    def _check_cells(self, cells: list[str]) -> None:
        """Check that there is one cell for each column; empty ones at the end don't count."""
        width = len(self._header)
        if len(cells) < width and not any(self._header[len(cells) :]):
            return
        if len(cells) < width or any(cells[width:]):
            raise RowError(
                Reason.RAGGED_ROW,
                f"the row has {len(cells)} cells and the header {width}; add or remove cells, and "
                "quote cells that contain the separator",
            )
        for at in self._unnamed:
            if cells[at].strip():
                raise RowError(
                    Reason.RAGGED_ROW,
                    f"the row has a value in column {at + 1}, which has no name; name the column",
                )

    def _records(self) -> Iterator[CsvRecord]:
        return read_records(self._file, self._delimiter, self._skip)


def _named(header: list[str], sample: list[CsvRecord], note: Callable[[str], None]) -> list[str]:
    """Give each column a name of its own; a column without name and values keeps none."""
    names: list[str] = []
    for at, name in enumerate(header):
        if not name:
            if any(record.cells[at : at + 1] not in ([], [""]) for record in sample):
                name = _free(f"column_{at + 1}", header, names)  # noqa: PLW2901
                note(f"column {at + 1} has no name; it is called {name!r}")
        elif name in names:
            free = _free(name, header, names)
            note(f"column {at + 1} is named {name!r} as one before it; it is called {free!r}")
            name = free  # noqa: PLW2901
        names.append(name)
    return names


def _free(name: str, header: list[str], names: list[str]) -> str:
    number = 1
    free = name
    while free in header or free in names:
        number += 1
        free = f"{name}_{number}"
    return free
