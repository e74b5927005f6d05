"""SQLite tables: one table of a database file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

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

__all__ = ["SqliteTable"]

_MOST_LISTED = 10
_WAIT_SECONDS = 3.0


class SqliteTable(Table):
    """A table of an SQLite file, opened for reading; the `line` of a record is its row, from 1.

    Args:
        path: The file.
        table: Name of the table; None if the file has one alone.

    Raises:
        CatalogError: The file is damaged or locked, or it is unclear which table is meant.
    """

    def __init__(self, path: Path, table: str | None = None) -> None:
        super().__init__(path)
        with self._connected() as database:
            found = database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
                " ESCAPE '\\' ORDER BY name"
            ).fetchall()
            names = [_text(name) for (name,) in found]
            if table is None and len(names) == 1:
                table = names[0]
            if table not in names:
                listed = ", ".join(map(quote_for_message, names[:_MOST_LISTED])) or "none"
                what = "several tables" if table is None else f"no table {quote_for_message(table)}"
                if not names:
                    what = "no tables"
                raise CatalogError(
                    f"{quote_for_message(self.name)} has {what}; its tables are {listed}; name "
                    "one with --sheet"
                )
            quoted = table.replace('"', '""')
            self._select = f'SELECT * FROM "{quoted}"'  # noqa: S608 # nosec B608
            self._table = table
            cursor = database.execute(f"{self._select} LIMIT 0")
            self.columns = [column[0] for column in cursor.description]
            declared = database.execute("SELECT type FROM pragma_table_info(?)", [table])
            # SQLite stores booleans as 0 and 1.
            self._booleans = [_text(kind).upper().startswith("BOOL") for (kind,) in declared]

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return TableDescription("SQLite", part=f"table {quote_for_message(self._table)}")

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        columns = list(self.columns or ())
        with self._connected() as database:
            for line, cells in enumerate(database.execute(self._select), start=1):
                values = (
                    bool(cell) if is_boolean and cell in (0, 1) else _value(cell)
                    for cell, is_boolean in zip(cells, self._booleans, strict=True)
                )
                yield Record(line, dict(zip(columns, values, strict=True)))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        address = f"{self.path.resolve().as_uri()}?mode=ro"
        quoted = quote_for_message(self.name)
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS)) as database:
                # A database from elsewhere must not run functions by its schema.
                database.execute("PRAGMA trusted_schema = OFF")
                database.execute("PRAGMA cell_size_check = ON")
                database.text_factory = _Text
                yield database
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise CatalogError(
                    f"{quoted} is locked by a program that writes it; try again when it is done, "
                    "or give a copy"
                ) from error
            raise CatalogError(f"{quoted} can't be read as an SQLite file: {error}") from error
        except sqlite3.DatabaseError as error:
            raise CatalogError(
                f"{quoted} is not an SQLite file, or is damaged ({error}); export it again"
            ) from error


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _Text(bytes):
    """Marks the bytes of a text, as opposed to those of a blob."""


def _value(cell: object) -> object:
    if not isinstance(cell, _Text):
        return cell
    try:
        return cell.decode("utf-8")
    except UnicodeDecodeError as error:
        return Unreadable(
            Reason.BAD_UTF8, f"byte {error.start + 1} of the text is not UTF-8; correct the text"
        )
