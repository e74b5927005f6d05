"""CSV records: splits delimited text into records that know the line they begin on."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables.text.text_file import MAX_RECORD_CHARACTERS, TextFile
from indexer.errors import CatalogError, RowError

__all__ = ["CsvRecord", "read_header", "read_records"]

# A longer record has an opening quote without a closing one.
_MAX_RECORD_LINES = 1000
_UNFINISHED = "unexpected end of data"


class CsvRecord(NamedTuple):
    """One record, or a line that is not a valid one.

    Attributes:
        line: The physical line on which it begins, from 1.
        cells: Its cells; those that could be read if it is broken.
        problem: What is wrong; None if it is valid.
    """

    line: int
    cells: list[str]
    problem: RowError | None = None


def read_records(file: TextFile, delimiter: str, skip: int = 0) -> Iterator[CsvRecord]:
    """Split a file into records, by RFC 4180 with any line end.

    Blanks between a delimiter and a quote are dropped, and backslashes may escape quotes. An
    opening quote without a closing one costs only the line it stands on: reading resumes with the
    next line. In text with tabs, a cell whose quotes don't close is taken as it stands. Quotes
    inside a cell that does not begin with one are plain characters. Rows of empty cells are
    skipped.

    Args:
        file: The file.
        delimiter: The character between cells.
        skip: Number of lines before the header.
    """
    return _Splitter(file, delimiter, skip).records()


def read_header(table: str, records: Iterator[CsvRecord]) -> list[str]:
    """Take the first record as the header, and return the names of the columns.

    Args:
        table: Name of the file.
        records: Its records; the header is consumed.

    Raises:
        CatalogError: The file is empty, or its header is broken.
    """
    first = next(records, None)
    quoted = quote_for_message(table)
    if first is None:
        raise CatalogError(f"{quoted} is empty; it needs a header and rows")
    if first.problem is not None:
        raise CatalogError(f"the header of {quoted} can't be read: {first.problem.message}")
    return [cell.strip() for cell in first.cells]


class _Splitter:
    """Splits the lines of one file."""

    def __init__(self, file: TextFile, delimiter: str, skip: int) -> None:
        self._file = file
        self._delimiter = delimiter
        self._skip = skip
        self._width = 0
        mark = re.escape(delimiter)
        # A cell in quotes with blanks around it, or a cell as it stands.
        self._cell = re.compile(rf'\s*"((?:[^"]|"")*)"\s*(?:{mark}|$)|([^{mark}]*)(?:{mark}|$)')
        csv.field_size_limit(MAX_RECORD_CHARACTERS)  # one limit for the whole process

    def records(self) -> Iterator[CsvRecord]:
        number, lines, clean = 1, list[str | None](), True
        for batch in self._file.batches():
            if not lines:
                number, clean = batch.number, True
            lines += batch.lines
            clean = clean and batch.clean
            if number == 1 and self._skip:
                lines = lines[self._skip :]
                number += self._skip
            used = yield from self._split(number, lines, clean=clean, final=False)
            lines, number = lines[used:], number + used
        yield from self._split(number, lines, clean=clean, final=True)

    def _split(
        self, number: int, lines: list[str | None], *, clean: bool, final: bool
    ) -> Generator[CsvRecord, None, int]:
        """Split lines, the first of which has that number.

        Returns:
            How many lines were used. Of a record that may go on, none are, unless it is `final`.
        """
        start = 0
        while start < len(lines):
            text = _until_gap(lines, start)
            if not text:
                yield CsvRecord(number + start, [], _too_long(MAX_RECORD_CHARACTERS))
                start += 1
                continue
            more = not final and start + len(text) == len(lines)
            used, error = yield from self._parse(number + start, text, clean=clean)
            if error is not None:
                may_go_on = more and _UNFINISHED in str(error) and _is_short(text[used:])
                if may_go_on:
                    return start + used
                yield self._repaired(number + start + used, text, used, error)
                used += 1
            start += used
        return len(lines)

    def _parse(
        self, number: int, text: Sequence[str], *, clean: bool
    ) -> Generator[CsvRecord, None, tuple[int, Exception | None]]:
        """Yield records up to the end, or to one that is not valid.

        Returns:
            The number of lines used, and what is wrong with the next one.
        """
        reader = csv.reader(text, delimiter=self._delimiter, strict=True, skipinitialspace=True)
        used = 0
        try:
            for cells in reader:
                end = reader.line_num
                if end > used + 1 and self._are_rows(text[used:end]):
                    return used, csv.Error("rows between two quotes")
                if len(cells) != self._width and self._width:
                    cells = self._reread(text[used:end], cells)  # noqa: PLW2901
                if clean:
                    if cells and (cells[0] or not _is_blank(cells)):
                        self._width = self._width or len(cells)
                        yield CsvRecord(number + used, cells)
                elif cells and not _is_blank(cells):
                    self._width = self._width or len(cells)
                    yield self._checked(number + used, text[used:end], cells)
                used = end
        except csv.Error as error:
            return used, error
        return len(text), None

    def _checked(self, number: int, text: Sequence[str], cells: list[str]) -> CsvRecord:
        try:
            for line, content in enumerate(text, start=number):
                self._file.check(line, content)
        except RowError as error:
            return CsvRecord(number, cells, error)
        return CsvRecord(number, cells)

    def _reread(self, text: Sequence[str], cells: list[str]) -> list[str]:
        """Split a ragged record again if quotes stand after other blanks than spaces."""
        if len(text) > 1 or not any(cell.lstrip().startswith('"') for cell in cells):
            return cells
        return self._cells_as_meant(text[0].rstrip("\r\n")) or cells

    def _are_rows(self, text: Sequence[str]) -> bool:
        """Whether the lines of one record with tabs are rows of their own, as they stand."""
        if self._delimiter != "\t":
            return False
        return all(line.count("\t") + 1 == self._width for line in text)

    def _repaired(self, number: int, text: Sequence[str], at: int, error: Exception) -> CsvRecord:
        line = text[at].rstrip("\r\n")
        cells = self._cells_as_meant(line) if "\r" not in line else None
        if cells is not None:
            self._width = self._width or len(cells)
            return self._checked(number, [text[at]], cells)
        return CsvRecord(number, [], _problem(number, text[at:], error))

    def _cells_as_meant(self, line: str) -> list[str] | None:
        """Split a line that RFC 4180 does not allow, if its meaning is plain."""
        if "\\" in line:
            escaped = csv.reader(
                [line], delimiter=self._delimiter, strict=True, skipinitialspace=True,
                escapechar="\\",
            )  # fmt: skip
            try:
                cells = next(escaped, [])
            except csv.Error:
                cells = []
            if self._fits(cells):
                return cells
        cells, position = [], 0
        while True:
            match = self._cell.match(line, position)
            assert match is not None
            quoted, plain = match.groups()
            if quoted is None and plain.lstrip().startswith('"') and self._delimiter != "\t":
                return None
            cells.append(plain if quoted is None else quoted.replace('""', '"'))
            position = match.end()
            if not match.group().endswith(self._delimiter):
                break
        return cells if self._fits(cells) else None

    def _fits(self, cells: Sequence[str]) -> bool:
        """Whether a row has the width of the header; of the header itself, that it is a row."""
        return len(cells) == self._width if self._width else len(cells) > 1


def _until_gap(lines: list[str | None], start: int) -> list[str]:
    """Return the lines from `start` to the first that is too long."""
    if None not in lines:
        return lines[start:] if start else lines  # type: ignore[return-value]
    end = lines.index(None, start) if None in lines[start:] else len(lines)
    return lines[start:end]  # type: ignore[return-value]


def _is_blank(cells: Sequence[str]) -> bool:
    return not any(cell and not cell.isspace() for cell in cells)


def _is_short(text: Sequence[str]) -> bool:
    """Whether a record of these lines may have more of them."""
    return len(text) < _MAX_RECORD_LINES and sum(map(len, text)) < MAX_RECORD_CHARACTERS


def _too_long(limit: int) -> RowError:
    return RowError(
        Reason.ROW_TOO_LONG,
        f"the line has more than {limit:,} characters; if it is meant to be several rows, its line "
        "ends are missing",
    )


def _problem(number: int, text: Sequence[str], error: Exception) -> RowError:
    if "new-line" in str(error):
        return RowError(
            Reason.BAD_LINE_END,
            f"line {number} has a carriage return inside a cell or in place of a line end; "
            "put the cell into quotes, or save the file with LF or CR LF line ends",
        )
    if "field limit" in str(error):
        return _too_long(MAX_RECORD_CHARACTERS)
    last = number + min(len(text), _MAX_RECORD_LINES) - 1
    return RowError(
        Reason.BAD_QUOTES,
        f"a quotation mark on line {number} opens a cell that does not end properly (read up to "
        f"line {last} at most); close the cell, and double the marks inside it",
    )
