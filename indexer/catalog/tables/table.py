"""Tables: the seam between file formats and products.

A *table* reads one kind of file and yields *records*: the line, and the value of each column. It
knows nothing of products. `indexer.catalog.products` turns the records of any table into products:
it finds the columns of ids and images, checks them, and makes fields of the rest.

How to add a format: subclass `Table`, and name its file ending in `indexer.catalog.tables.opening`.
The smallest one reads lines of `key=value;key=value`:

    class PairsTable(Table):
        untyped = True  # values are text; their types are inferred

        @property
        def description(self) -> TableDescription:
            return TableDescription("pairs", encoding="UTF-8")

        def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:
            with self.path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if "=" in line:
                        pairs = (pair.split("=", 1) for pair in line.strip().split(";"))
                        yield Record(number, dict(pairs))
                    else:
                        problem = RowError(Reason.BAD_VALUE, "the line has no '='; add it")
                        yield BrokenRecord(number, problem)

A *feed* with rules of its own (which column is the id, which rows belong together) is a table over
a table: it reads the records of another one, and yields records of its own with `roles` set.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from indexer.catalog.fields import FieldType
from indexer.catalog.quoting import quote_for_message
from indexer.errors import CatalogError, RowError

__all__ = [
    "BrokenRecord",
    "Record",
    "Roles",
    "Table",
    "TableDescription",
    "TableOptions",
    "Unreadable",
    "check_unique",
]


class Record(NamedTuple):
    """One record.

    Attributes:
        line: As in `indexer.catalog.CatalogRow`.
        values: The value of each column: text, numbers, booleans, bytes, None for a missing one,
            lists and dictionaries of these, or `Unreadable`. In an untyped table all are text.
    """

    line: int
    values: Mapping[str, object]


@dataclass(frozen=True)
class BrokenRecord:
    """A record that can't be used.

    Attributes:
        line: As in `Record`.
        problem: What is wrong, and what to do.
        values: The values that could be read, perhaps none; with the id, the bad row has one too.
    """

    line: int
    problem: RowError
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Unreadable:
    """Takes the place of a value that can't be read or stored.

    Attributes:
        reason: A value of `Reason`.
        message: What is wrong with it.
    """

    reason: str
    message: str

    def problem(self, column: str) -> RowError:
        """Return an error that names the column."""
        message = f"column {quote_for_message(column)}: {self.message}"
        return RowError(self.reason, message).at(column, None)


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are for; all others are fields.

    Attributes:
        id: The column of product ids.
        images: The columns of images, in the order that the images are to have.
    """

    id: str
    images: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """All columns that are not fields."""
        return frozenset((self.id, *self.images))


@dataclass(frozen=True)
class TableDescription:
    """What a table was recognised as.

    Attributes:
        format: Name of the format: `CSV`, `JSON Lines`, `Parquet`.
        encoding: Of its text, where it is a text format.
        delimiter: The character between cells, where it is delimited text.
        compression: `gzip`, `bzip2`, `zstd` or `zip`.
        part: What is read of a file of several tables, such as `sheet 'Products'`.
        feed: Name of the feed whose rules it follows, such as `Google Merchant feed`.
    """

    format: str
    encoding: str | None = None
    delimiter: str | None = None
    compression: str | None = None
    part: str | None = None
    feed: str | None = None

    def __str__(self) -> str:
        """Describe the table on one line, such as `CSV, semicolons, Windows-1252, gzip`."""
        return ", ".join(value for value in _in_order(asdict(self)) if value)


@dataclass(frozen=True)
class TableOptions:
    """How to read a table; what is None is found by looking.

    Attributes:
        encoding: Of a text file.
        delimiter: The character between the cells of a text file.
        sheet: The sheet of a spreadsheet, or the table of an SQLite file.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


_DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_ORDER = ("feed", "format", "part", "delimiter", "encoding", "compression")


def _in_order(values: Mapping[str, str | None]) -> Iterator[str | None]:
    for name in _ORDER:
        value = values[name]
        yield _DELIMITER_NAMES.get(value, value) if name == "delimiter" and value else value


class Table(ABC):
    """A file of records, which can be read as often as needed.

    Attributes:
        path: The file or folder.
        name: Its name, for messages.
        root: The folder that paths of images are relative to.
        untyped: True if all values are text whose type has to be inferred (CSV).
        columns: The names of the columns, in order; None where each record brings its own names.
        roles: What the columns are for, where the format prescribes it; else None.
        notes: What was changed or passed over in reading it; each is one line.
        repeated: Names that more than one column has in the file; the later ones got a number.
    """

    untyped: bool = False
    columns: Sequence[str] | None = None
    roles: Roles | None = None
    notes: tuple[str, ...] = ()
    repeated: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name or str(path)
        self.root = path.parent

    @property
    @abstractmethod
    def description(self) -> TableDescription:
        """What the table was recognised as."""

    @property
    def count(self) -> int | None:
        """The number of records, broken ones included; an upper bound if records span lines."""
        return None

    def field_types(self, roles: Roles) -> Mapping[str, FieldType] | None:  # noqa: ARG002
        """Return the fields' types if the format declares them (Parquet), else None."""
        return None

    def left_out(self, roles: Roles) -> tuple[str, ...]:  # noqa: ARG002
        """Return the columns that can't be product fields (raw bytes) and are skipped."""
        return ()

    def check_roles(self, roles: Roles) -> None:  # noqa: B027 - most formats have no types
        """Raise a `CatalogError` if a column is of a type that can't have its role."""

    @abstractmethod
    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:
        """Yield the records from the beginning.

        Args:
            roles: What the columns are for. A format that stores columns apart reads only these
                and those that can be fields. None reads all.

        Raises:
            CatalogError: The file disappeared, changed its columns, or is damaged from here on.
            OSError: It can't be read.
        """


def check_unique(table: Table) -> None:
    """Check that no two columns have the same name.

    Raises:
        CatalogError: The message names the repeated columns.
    """
    columns = list(table.columns or ())
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise CatalogError(
            f"{quote_for_message(table.name)} has more than one column named "
            f"{', '.join(map(quote_for_message, repeated))}; give every column its own name"
        )
