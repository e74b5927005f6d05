"""Spreadsheet tables: one sheet of a workbook."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables.table import (
    BrokenRecord,
    Record,
    Roles,
    Table,
    TableDescription,
    Unreadable,
)
from indexer.errors import CatalogError

__all__ = ["Spreadsheet"]

_WORKER = Path(__file__).with_name("worker.py")
# Address space of the process that reads a sheet. A million rows of ten columns need half of it.
_MAX_BYTES = 3 * 2**30
_MOST_LISTED = 10


class Spreadsheet(Table):
    """A sheet with a header and one record a row; the `line` of a record is its row in the sheet.

    Every value is text: numbers as they would be written, dates in ISO 8601 form. The header is the
    first row with values in two columns or more. Rows without values are skipped.

    Args:
        path: The file.
        sheet: Name of the sheet; None for the first visible one that has rows.

    Raises:
        CatalogError: The file is damaged, encrypted or too large, or has no such sheet.
    """

    untyped = True

    def __init__(self, path: Path, sheet: str | None = None) -> None:
        super().__init__(path)
        self._wanted = sheet
        with self._rows() as (about, rows):
            self._sheet: str = about["sheet"]
            self._header, self._first = self._read_header(rows)
        others = [name for name in about["sheets"] if name != self._sheet]
        if others and sheet is None:
            listed = ", ".join(map(quote_for_message, others[:_MOST_LISTED]))
            self.notes = (f"sheets that are not read: {listed}; --sheet names one",)
        self.columns = [name for name in self._header if name]

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        kind = "OpenDocument" if self.path.suffix.lower() == ".ods" else "Excel"
        return TableDescription(kind, part=f"sheet {quote_for_message(self._sheet)}")

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        with self._rows() as (_, rows):
            for line, cells in rows:
                if line <= self._first:
                    continue
                values = {
                    name or f"column {place}": _value(cell)
                    for place, (name, cell) in enumerate(
                        zip(self._header, cells, strict=False), start=1
                    )
                    if name or cell is not None
                }
                if any(value is not None for value in values.values()):
                    yield Record(line, values)

    def _read_header(self, rows: Iterator[tuple[int, list[Any]]]) -> tuple[list[str], int]:
        for line, cells in rows:
            texts = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
            if sum(map(bool, texts)) > 1:
                self.repeated = frozenset(name for name in texts if name and texts.count(name) > 1)
                header: list[str] = []
                for name in texts:
                    again = header.count(name)
                    header.append(f"{name} {again + 1}" if name and again else name)
                return header, line
        raise CatalogError(
            f"sheet {quote_for_message(self._sheet)} of {quote_for_message(self.name)} has no row "
            "with the names of columns; --sheet names another"
        )

    @contextmanager
    def _rows(self) -> Iterator[tuple[dict[str, Any], Iterator[tuple[int, list[Any]]]]]:
        """Start the process; yields what it says of the sheet, and its rows."""
        arguments = [str(self.path.resolve()), self._wanted or "", str(_MAX_BYTES)]
        with subprocess.Popen(  # noqa: S603 # nosec B603
            [sys.executable, str(_WORKER), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        ) as process:
            assert process.stdout is not None
            try:
                first = process.stdout.readline()
                about = self._checked(json.loads(first) if first else None)
                yield about, self._numbered(about["first"], process)
            finally:
                process.kill()

    def _numbered(
        self, first: int, process: subprocess.Popen[str]
    ) -> Iterator[tuple[int, list[Any]]]:
        assert process.stdout is not None
        for line, text in enumerate(process.stdout, start=first):
            if not text.endswith("\n"):
                break
            cells = json.loads(text)
            if isinstance(cells, dict):
                self._checked(cells)
            yield line, cells
        if process.wait() != 0:
            raise self._too_large()

    def _checked(self, about: dict[str, Any] | None) -> dict[str, Any]:
        quoted = quote_for_message(self.name)
        if about is None:
            raise self._too_large()
        if about.get("problem") == "password":
            raise CatalogError(f"{quoted} is encrypted; save it without a password")
        if "problem" in about:
            raise CatalogError(
                f"{quoted} is no spreadsheet, or is damaged "
                f"({quote_for_message(about['message'])}); save it again as .xlsx or .csv"
            )
        if about["sheet"] is None:
            listed = ", ".join(map(quote_for_message, about["sheets"][:_MOST_LISTED]))
            what = f"no sheet {quote_for_message(self._wanted)}" if self._wanted else "no rows"
            raise CatalogError(f"{quoted} has {what}; its sheets are {listed or 'hidden'}")
        return about

    def _too_large(self) -> CatalogError:
        return CatalogError(
            f"{quote_for_message(self.name)} needs more than {_MAX_BYTES // 2**30} GB of memory to "
            "be read, often because of a cell far away from the others; delete the empty rows and "
            "columns, or save the sheet as CSV"
        )


def _value(cell: Any) -> object:
    return Unreadable(Reason.BAD_VALUE, cell["problem"]) if isinstance(cell, dict) else cell
