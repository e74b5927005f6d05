"""Splitting CSV and TSV into records that know on which line they begin."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.catalog.formats.text_lines import MAX_RECORD_BYTES, Line
from indexer.catalog.rows import Reason
from indexer.errors import RowError

__all__ = ["BrokenRecord", "Record", "read_records"]

# A record that goes on for longer has a quote that nobody closed.
_MAX_RECORD_LINES = 1000

# What bytes that are not UTF-8 become under the error handler `surrogateescape` (PEP 383).
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Record:
    """One record.

    Attributes:
        line: The physical line on which it begins, from 1.
        cells: Its cells, as they stand.
    """

    line: int
    cells: list[str]


@dataclass(frozen=True)
class BrokenRecord:
    """Lines that are no record.

    Attributes:
        line: The physical line on which they begin.
        cells: What could be made out, perhaps nothing.
        problem: What is wrong.
    """

    line: int
    cells: list[str]
    problem: RowError


class _RecordTooLongError(Exception):
    """The record under way crossed a limit."""


class _Feed:
    """Hands lines to `csv.reader`, knows which make up the record under way, and can go back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._size = 0
        self.taken: list[Line] = []
        self.texts: list[str] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        self._size += len(line.content)
        over = len(self.taken) > _MAX_RECORD_LINES or self._size > MAX_RECORD_BYTES
        if line.too_long or over:
            raise _RecordTooLongError
        text = line.content.decode("utf-8", "surrogateescape")
        self.texts.append(text)
        return text

    def begin(self) -> None:
        """The next line begins a record."""
        self.taken, self.texts, self._size = [], [], 0

    def go_back(self) -> None:
        """Read the lines after the first of this record once more, as records of their own."""
        self._again.extendleft(reversed(self.taken[1:]))


def read_records(lines: Iterator[Line], delimiter: str) -> Iterator[Record | BrokenRecord]:
    """Split lines into records, by RFC 4180 with any line end.

    A quote that is never closed costs the line it stands on and no other: reading goes on with the
    next line. Quotes inside a cell that doesn't begin with one are plain characters. Empty lines
    are passed over.

    Args:
        lines: The physical lines.
        delimiter: One character, between the cells.
    """
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin()
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


def _broken(feed: _Feed, error: Exception) -> BrokenRecord:
    first, last = feed.taken[0], feed.taken[-1]
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
    return BrokenRecord(first.number, [], problem)


def _checked(feed: _Feed, cells: list[str]) -> Record | BrokenRecord:
    start = feed.taken[0].number
    for line, text in zip(feed.taken, feed.texts, strict=True):
        if not text.isascii() and (bad := _ESCAPED_BYTE.search(text)):
            at = len(text[: bad.start()].encode("utf-8")) + 1
            value = ord(bad.group()) - 0xDC00
            return BrokenRecord(
                start,
                cells,
                RowError(
                    Reason.BAD_UTF8,
                    f"byte {at} of line {line.number} (0x{value:02x}) is not UTF-8 text; save "
                    "the file as UTF-8",
                ),
            )
        if "\0" in text:
            return BrokenRecord(
                start,
                cells,
                RowError(Reason.NUL_BYTE, f"line {line.number} has a NUL byte in it; take it out"),
            )
    return Record(start, cells)
