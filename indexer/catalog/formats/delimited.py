"""Catalogs in CSV and TSV files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from indexer.catalog.fields import FieldType, FieldTyper, FieldValue, is_non_finite
from indexer.catalog.formats.csv_records import BrokenRecord, Record, read_records
from indexer.catalog.formats.text_lines import MAX_FIELDS, count_lines, read_lines
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.row_builder import Assembler, RawImage
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Reason
from indexer.errors import CatalogError, RowError

__all__ = ["DelimitedCatalog"]

_DELIMITER_NAMES = {",": "commas", "\t": "tabs"}


class DelimitedCatalog(Catalog):
    """A UTF-8 text file with a header and one product a record; both formats quote as CSV does.

    An image cell holds one path or URL, or several as a JSON list: `["a.jpg", "b.jpg"]`. Empty
    cells are missing values. A cell that spells NaN or an infinity makes its row bad when its
    column holds numbers or booleans, and is a word when the column holds words.

    Args:
        path: The file.
        options: How it is read.
        delimiter: `,` or a tab.

    Raises:
        CatalogError: The header can't be used; the message names the column.
        OSError: The file can't be read.
    """

    untyped = True

    def __init__(self, path: Path, options: CatalogOptions, delimiter: str) -> None:
        super().__init__(path, options)
        self._delimiter = delimiter
        self._assembler = Assembler(path, options)
        self._header = self._read_header()

    @cached_property
    def count(self) -> int:
        """How many rows there are at most: a record of several lines counts for each."""
        return max(0, count_lines(self._path) - 1)

    def _records(self) -> Iterator[Record | BrokenRecord]:
        return read_records(read_lines(self._path), self._delimiter)

    def _read_header(self) -> list[str]:
        first = next(self._records(), None)
        if first is None:
            raise CatalogError(
                f"{quote_for_message(self.name)} is empty; it needs a header and rows"
            )
        if isinstance(first, BrokenRecord):
            raise CatalogError(
                f"the header of {quote_for_message(self.name)} can't be read: "
                f"{first.problem.message}"
            )
        header = [cell.strip() for cell in first.cells]
        for wanted in (self._options.id_column, self._options.image_column):
            if wanted not in header:
                raise CatalogError(self._missing_column(wanted, header))
        self._check_names(header)
        return header

    def _check_names(self, header: list[str]) -> None:
        if "" in header:
            raise CatalogError(
                f"column {header.index('') + 1} of {quote_for_message(self.name)} has no name; "
                "name it"
            )
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise CatalogError(
                f"{quote_for_message(self.name)} has more than one column named "
                f"{', '.join(map(quote_for_message, twice))}; give every column its own name"
            )
        if len(header) > MAX_FIELDS:
            raise CatalogError(
                f"{quote_for_message(self.name)} has {len(header):,} columns; up to "
                f"{MAX_FIELDS:,} are allowed"
            )

    def _missing_column(self, wanted: str, header: list[str]) -> str:
        message = (
            f"{quote_for_message(self.name)} has no column {quote_for_message(wanted)}; its "
            "columns are "
            f"{', '.join(map(quote_for_message, header[:20]))}; rename one, or name the right "
            "one with "
            "--id-column and --image-column"
        )
        others = [mark for mark in ";\t|," if mark != self._delimiter and mark in header[0]]
        if len(header) == 1 and others:
            wants = _DELIMITER_NAMES[self._delimiter]
            message += f" (cells are set apart by {wants} here, not by {others[0]!r})"
        return message

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        records = self._records()
        next(records, None)
        for record in records:
            yield self._row(record)

    def _row(self, record: Record | BrokenRecord) -> CatalogRow | BadRow:
        values = dict(zip(self._header, record.cells, strict=False))
        raw_id = _missing_if_nan(values.pop(self._options.id_column, None))
        if isinstance(record, BrokenRecord):
            return self._assembler.broken(record.line, raw_id, record.problem)
        image = values.pop(self._options.image_column, "")
        try:
            self._check_length(record)
            images = _images(image)
            self._check_finite(values)
        except RowError as error:
            return self._assembler.broken(record.line, raw_id, error)
        fields: Mapping[str, FieldValue] = {name: cell or None for name, cell in values.items()}
        return self._assembler.row(record.line, raw_id, images, fields)

    def _check_length(self, record: Record) -> None:
        if len(record.cells) != len(self._header):
            raise RowError(
                Reason.RAGGED_ROW,
                f"the row has {len(record.cells)} cells and the header {len(self._header)}; "
                "add or remove cells, and quote cells that contain the separator",
            )

    def _check_finite(self, values: Mapping[str, str]) -> None:
        for name, cell in values.items():
            if is_non_finite(cell) and self._types.get(name, FieldType.TEXT) != FieldType.TEXT:
                raise RowError(
                    Reason.NAN,
                    f"column {quote_for_message(name)} holds values of type "
                    f"{self._types[name].value} and "
                    f"here {quote_for_message(cell)}; leave the cell empty where there is no value",
                )

    @cached_property
    def _types(self) -> dict[str, FieldType]:
        """The columns' types, found in a pass of its own; only a file with a NaN in it pays it."""
        typer = FieldTyper(parse_text=True)
        records = self._records()
        next(records, None)
        for record in records:
            if isinstance(record, Record) and len(record.cells) == len(self._header):
                typer.observe(dict(zip(self._header, record.cells, strict=True)))
        return typer.types()


def _missing_if_nan(raw_id: str | None) -> str | None:
    # Data frames write a missing id so; every product without one would get the id "nan".
    if raw_id is not None and raw_id.strip().lower() == "nan":
        return None
    return raw_id


def _images(cell: str) -> list[RawImage]:
    text = cell.strip()
    if not text or text.lower() == "nan":
        return []
    if not (text.startswith("[") and text.endswith("]")):
        return [text]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise RowError(
            Reason.BAD_IMAGE,
            f"{quote_for_message(text)} is no list of pictures; write it as JSON: "
            '["a.jpg", "b.jpg"]',
        )
    return list(found)
