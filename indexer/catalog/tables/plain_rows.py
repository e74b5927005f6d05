"""Plain rows: named values from a table of any columns, such as a file of labelled queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow
from indexer.catalog.tables.opening import open_table
from indexer.catalog.tables.table import BrokenRecord, Record, Unreadable, check_unique
from indexer.errors import CatalogError

__all__ = ["TableRow", "read_table"]


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes:
        line: As in `indexer.catalog.CatalogRow`.
        values: The value of each column, None if it is empty or missing. Text in CSV and TSV;
            in JSON Lines what JSON gives; in Parquet what Arrow gives.
    """

    line: int
    values: Mapping[str, object]


def read_table(path: Path) -> Iterator[TableRow | BadRow]:
    """Read a file row by row, in order.

    Args:
        path: A file in one of the formats of catalogs.

    Raises:
        CatalogError: It can't be read as a whole: no such file, unknown format, an unusable
            header, damage.
    """
    quoted = quote_for_message(path.name)
    try:
        table = None if path.is_dir() else open_table(path)
        if table is None:
            raise CatalogError(f"{str(path)!r} is a folder; give a file")
        check_unique(table)
        for record in table.records():
            yield _row(record)
    except OSError as error:
        problem = error.strerror or quote_for_message(str(error))
        raise CatalogError(f"{quoted} can't be read: {problem}") from error


def _row(record: Record | BrokenRecord) -> TableRow | BadRow:
    if isinstance(record, BrokenRecord):
        return BadRow.of(record.line, None, record.problem)
    for name, value in record.values.items():
        if isinstance(value, Unreadable):
            return BadRow.of(record.line, None, value.problem(name))
    values = {name: _plain(value) for name, value in record.values.items()}
    return TableRow(record.line, values)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list) and len(value) <= 1:
        # A column of images may hold lists of one.
        return _plain(value[0]) if value else None
    if isinstance(value, dict) and value.keys() <= {"bytes", "path"}:
        return value.get("bytes") or value.get("path")
    return value
