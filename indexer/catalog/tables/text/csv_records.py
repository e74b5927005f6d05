"""CSV records: splits CSV and TSV text into records that know the line they begin on."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables.text.text_lines import MAX_RECORD_BYTES, Line
from indexer.errors import CatalogError, RowError

__all__ = ["CsvRecord", "read_header", "read_records"]

# A longer record has an opening quote without a closing one.
_MAX_RECORD_LINES = 1000

# What the error handler `surrogateescape` (PEP 383) makes of bytes that are not UTF-8.
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_ESCAPED_BYTE_BASE = 0xDC00


@dataclass(frozen=True)
class CsvRecord:
    """One record, or lines that are not a valid one.

    Attributes:
        line: The physical line on which it begins, from 1.
        cells: Its cells, unchanged; those that could be read if it is broken.
        problem: What is wrong; None if it is valid.
    """

    line: int
    cells: list[str]
    problem: RowError | None = None


class _RecordTooLongError(Exception):
    """The current record crossed a limit."""


class _Feed:
    """Feeds lines to `csv.reader`, keeps the lines of the current record, and can go back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._size = 0
        self.lines: list[Line] = []
        self.texts: list[str] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.lines.append(line)
        self._size += len(line.content)
        over = len(self.lines) > _MAX_RECORD_LINES or self._size > MAX_RECORD_BYTES
        if line.too_long or over:
            raise _RecordTooLongError
        text = line.content.decode("utf-8", "surrogateescape")
        self.texts.append(text)
        return text

    def begin_record(self) -> None:
        """Start a new record with the next line."""
        self.lines, self.texts, self._size = [], [], 0

    def go_back(self) -> None:
        """Read the lines after the first of this record again, as records of their own."""
        self._again.extendleft(reversed(self.lines[1:]))


def read_records(lines: Iterator[Line], delimiter: str) -> Iterator[CsvRecord]:
    """Split lines into records, by RFC 4180 with any line end.

    An opening quote without a closing one costs only the line it stands on: reading resumes with
    the next line. Quotes inside a cell that does not begin with one are plain characters. Empty
    lines are skipped.

    Args:
        lines: The physical lines.
        delimiter: The character between cells.
    """
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RecordTooLongError) as error:
            yield _broken(feed, error)
            feed.go_back()
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            continue
        if cells:
            yield _checked(feed, cells)


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


def _broken(feed: _Feed, error: Exception) -> CsvRecord:
    first, last = feed.lines[0], feed.lines[-1]
    if first.too_long:
        problem = RowError(
            Reason.ROW_TOO_LONG,
            f"the line has more than {MAX_RECORD_BYTES:,} bytes; if it is meant to be several "
            "rows, its line ends are missing",
        )
    elif "new-line" in str(error):
        problem = RowError(
            Reason.BAD_LINE_END,
            f"line {last.number} has a carriage return inside a cell or in place of a line end; "
            "put the cell into quotes, or save the file with LF or CR LF line ends",
        )
    elif "field limit" in str(error) and first is last:
        problem = RowError(
            Reason.ROW_TOO_LONG,
            f"a cell is longer than {csv.field_size_limit():,} characters; shorten it",
        )
    else:
        problem = RowError(
            Reason.BAD_QUOTES,
            f"a quotation mark on line {first.number} opens a cell that does not end properly "
            f"(read up to line {last.number}); close the cell, and double the marks inside it",
        )
    return CsvRecord(first.number, [], problem)


def _checked(feed: _Feed, cells: list[str]) -> CsvRecord:
    start = feed.lines[0].number
    for line, text in zip(feed.lines, feed.texts, strict=True):
        if not text.isascii() and (bad := _ESCAPED_BYTE.search(text)):
            position = len(text[: bad.start()].encode("utf-8")) + 1
            value = ord(bad.group()) - _ESCAPED_BYTE_BASE
            return CsvRecord(
                start,
                cells,
                RowError(
                    Reason.BAD_UTF8,
                    f"byte {position} of line {line.number} (0x{value:02x}) is not UTF-8 text; "
                    "save the file as UTF-8",
                ),
            )
        if "\0" in text:
            problem = f"line {line.number} has a NUL byte in it; remove it"
            return CsvRecord(start, cells, RowError(Reason.NUL_BYTE, problem))
    return CsvRecord(start, cells)
