"""Catalog rows: products, bad rows with their reasons, and the base class of every format."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self

from indexer.catalog.fields import FieldType, FieldValue
from indexer.catalog.images import ImageSource
from indexer.catalog.product_ids import IdLedger
from indexer.catalog.quoting import quote_for_message, shown_value
from indexer.errors import CatalogError, RowError

__all__ = ["VARIANTS", "BadRow", "Catalog", "CatalogOptions", "CatalogRow", "Place", "Reason"]

VARIANTS = "item_group_id"
"""The field that the variants of a product share, in feeds and shops' exports."""


class Reason(StrEnum):
    """Why a row can't be used. The values are stable: `quarantine.jsonl` contains them."""

    MISSING_ID = "missing_id"
    BAD_ID = "bad_id"  # not text or a whole number, or control characters in it
    ID_TOO_LONG = "id_too_long"
    DUPLICATE_ID = "duplicate_id"
    BAD_NAME = "bad_name"  # a file name that is not UTF-8
    NO_IMAGE = "no_image"
    BAD_IMAGE = "bad_image"  # a value that is neither path, URL, bytes nor a list of them
    BAD_PATH = "bad_path"
    BAD_URL = "bad_url"
    UNSUPPORTED_SCHEME = "unsupported_scheme"  # file:, ftp:, data:, ...
    PATH_OUTSIDE_CATALOG = "path_outside_catalog"
    IMAGE_NOT_FOUND = "image_not_found"
    NOT_A_FILE = "not_a_file"  # a folder, FIFO, socket or device
    UNREADABLE = "unreadable"  # the system refuses to open it
    IMAGE_TOO_LARGE = "image_too_large"  # more bytes than allowed
    URL_NOT_ALLOWED = "url_not_allowed"  # an inner address, or a URL with a password
    URL_UNREACHABLE = "url_unreachable"
    URL_TIMEOUT = "url_timeout"
    URL_BAD_STATUS = "url_bad_status"  # anything but 200
    BAD_UTF8 = "bad_utf8"
    BAD_ENCODING = "bad_encoding"  # a byte that is not text in another encoding
    BAD_JSON = "bad_json"
    BAD_QUOTES = "bad_quotes"
    BAD_LINE_END = "bad_line_end"  # a carriage return without a line feed
    BAD_VALUE = "bad_value"  # a field's value that can't be stored
    ODD_VALUE = "odd_value"  # does not fit the type of its field; the product is indexed without it
    NAN = "nan"  # NaN or an infinity in a column of numbers
    NUL_BYTE = "nul_byte"
    RAGGED_ROW = "ragged_row"
    ROW_TOO_LONG = "row_too_long"
    TOO_MANY_FIELDS = "too_many_fields"
    UNSAFE_IMAGE = "unsafe_image"  # held back by `--moderate hold`


# A row with one of these reasons claims no id: it has none, or the value in the id's place may
# belong to another column.
_WITHOUT_ID = frozenset(
    {
        Reason.MISSING_ID,
        Reason.BAD_ID,
        Reason.ID_TOO_LONG,
        Reason.BAD_NAME,
        Reason.RAGGED_ROW,
    }
)


@dataclass(frozen=True)
class CatalogOptions:
    """How to read a catalog.

    Attributes:
        id_column: The column with the products' ids; None to find it by its name or content.
        image_column: The column with their images; None to find those.
        max_image_bytes: The largest image file; a larger one is refused before it is read.
        encoding: Of a text file; None to find it by looking.
        delimiter: The character between the cells of a text file; None to find it by looking.
        types: Types of fields; the others are found.
        sheet: The sheet of a spreadsheet, or the table of an SQLite file; None for the only one.
        image_roots: Folders besides the catalog's own that images may be in.
        folder: The folder where paths of images begin; None for the catalog's. Text is an address
            of object storage.
    """

    id_column: str | None = None
    image_column: str | None = None
    max_image_bytes: int = 32 * 2**20
    encoding: str | None = None
    delimiter: str | None = None
    types: Mapping[str, FieldType] = field(default_factory=dict)
    sheet: str | None = None
    image_roots: tuple[Path, ...] = ()
    folder: Path | str | None = None


# One is made for each row; frozen, that would take three times as long.
@dataclass(slots=True)
class CatalogRow:
    """One product. Nothing changes it.

    Attributes:
        line: Position from 1: the physical line on which the row begins in a text file (the header
            of a CSV file is line 1), the row of a Parquet file, the ordinal of a file in a folder.
        id: Unique in the catalog; 1 to 512 bytes of UTF-8 without control characters.
        images: One image or more.
        fields: All other columns. In an `untyped` catalog every value is unparsed text.
    """

    line: int
    id: str
    images: tuple[ImageSource, ...]
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True)
class BadRow:
    """One row that can't be used.

    Attributes:
        line: As in `CatalogRow`.
        id: The product's id if it is known; if the id itself is the problem, its beginning with
            special characters escaped.
        reason: A value of `Reason`.
        message: What is wrong and how to correct it; one line, special characters escaped.
        column: The column whose value is the problem; None if that is the whole row.
        value: The beginning of that value, special characters escaped.
        file: The file that the line is in, where a build reads several.
    """

    line: int
    id: str | None
    reason: str
    message: str
    column: str | None = None
    value: str | None = None
    file: str | None = None

    @classmethod
    def of(cls, line: int, product_id: str | None, problem: RowError) -> Self:
        """Make a bad row of what is wrong with it."""
        value = None if problem.value is None else shown_value(problem.value)
        return cls(line, product_id, problem.reason, problem.message, problem.column, value)


class Place(NamedTuple):
    """Where a row is.

    Attributes:
        line: As in `CatalogRow`, within its file.
        file: The file, where a catalog is made of several; else None.
    """

    line: int
    file: str | None = None

    def __str__(self) -> str:
        """Return the place for a message, such as `7` or `7 of 'b.csv'`."""
        return f"{self.line}" if self.file is None else f"{self.line} of {self.file!r}"


class Catalog(ABC):
    """A catalog on disk: a stream of rows that can be read as often as needed.

    A format implements `count` and `read_rows`, which yields rows and bad rows in a fixed order.

    Attributes:
        path: The file or folder; the first of several.
        name: Name of the file or folder.
        untyped: True if fields are text whose type has to be inferred (CSV, TSV).
    """

    untyped: bool = False
    # False for a format whose ids can't repeat; it needs no `IdLedger`.
    _ids_repeat: bool = True
    # The column of ids, if there is one.
    _id_column: str | None = None

    def __init__(self, path: Path, options: CatalogOptions) -> None:
        self.path = path
        self._options = options
        self.name = path.name or str(path)

    @property
    def field_types(self) -> Mapping[str, FieldType] | None:
        """The fields' types if the format declares them (Parquet), else None."""
        return None

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that can't be product fields (raw bytes) and are skipped."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed or passed over in reading it; each is one line."""
        return ()

    def place(self, line: int) -> Place:
        """Return where a row is, by its `line`."""
        return Place(line)

    @property
    @abstractmethod
    def count(self) -> int | None:
        """The number of rows, bad ones included; an upper bound if rows span lines."""

    def rows(self) -> Iterator[CatalogRow | BadRow]:
        """Yield the rows of the catalog from its beginning.

        An id belongs to the first row that has it, even if that row is bad for another reason.
        Every later row with the same id is a `BadRow` that names both lines.

        Raises:
            CatalogError: The file disappeared, changed its columns, or is damaged from here on.
        """
        try:
            if not self._ids_repeat:
                yield from self.read_rows()
                return
            with IdLedger() as ledger:
                for row in self.read_rows():
                    yield self._claimed(row, ledger)
        except OSError as error:
            raise CatalogError(
                f"{quote_for_message(self.name)} can't be read any more: {error.strerror or error}"
            ) from error
        except sqlite3.Error as error:
            raise CatalogError(
                f"the list of ids can't be stored ({error}); free disk space in the folder for "
                "temporary files"
            ) from error

    @abstractmethod
    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """Yield the rows; ids may repeat."""

    def _claimed(self, row: CatalogRow | BadRow, ledger: IdLedger) -> CatalogRow | BadRow:
        if row.id is None or (isinstance(row, BadRow) and row.reason in _WITHOUT_ID):
            return row
        first = ledger.claim(row.id, row.line)
        if first == row.line or isinstance(row, BadRow):
            return row
        problem = RowError(
            Reason.DUPLICATE_ID,
            f"row {self.place(row.line)} has the id {quote_for_message(row.id)} of row "
            f"{self.place(first)}; give every product an id of its own, or put all images of one "
            "product into one row as a list",
        )
        return BadRow.of(row.line, row.id, problem.at(self._id_column, row.id))
