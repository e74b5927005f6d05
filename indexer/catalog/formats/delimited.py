"""Delimited catalogs: CSV and TSV files with a header."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from indexer.catalog.fields import FieldType, FieldTyper, FieldValue, is_non_finite
from indexer.catalog.formats.columns import check_columns
from indexer.catalog.formats.csv_records import (
    BrokenRecord,
    Record,
    check_cell_count,
    read_header,
    read_records,
)
from indexer.catalog.formats.text_lines import count_lines, read_lines
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.row_builder import RawImage, RowBuilder
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Reason
from indexer.errors import RowError

__all__ = ["DelimitedCatalog"]

_DELIMITER_NAMES = {",": "commas", "\t": "tabs"}
# Characters that other programs separate cells with.
_DELIMITERS = ";\t|,"


class DelimitedCatalog(Catalog):
    """A UTF-8 text file with a header and one product a record. CSV and TSV quote the same way.

    An image cell holds one path or URL, or several as a JSON list: `["a.jpg", "b.jpg"]`. Empty
    cells are missing values. A cell that spells NaN or an infinity makes its row bad if its column
    holds numbers or booleans, and is a word if the column holds words.

    Args:
        path: The file.
        options: How to read it.
        delimiter: `,` or a tab.

    Raises:
        CatalogError: The header can't be used; the message names the column.
        OSError: The file can't be read.
    """

    untyped = True

    def __init__(self, path: Path, options: CatalogOptions, delimiter: str) -> None:
        super().__init__(path, options)
        self._delimiter = delimiter
        self._builder = RowBuilder(path, options)
        self._header = read_header(self.name, self._records())
        check_columns(self.name, self._header, options, self._delimiter_hint())

    @cached_property
    def count(self) -> int:
        """The number of rows at most: a record of several lines counts once for each line."""
        return max(0, count_lines(self._path) - 1)

    def _records(self) -> Iterator[Record | BrokenRecord]:
        return read_records(read_lines(self._path), self._delimiter)

    def _records_below_header(self) -> Iterator[Record | BrokenRecord]:
        records = self._records()
        next(records, None)
        return records

    def _delimiter_hint(self) -> str:
        """Explain a header of one column that looks like several with another separator."""
        found = [
            mark for mark in _DELIMITERS if mark != self._delimiter and mark in self._header[0]
        ]
        if len(self._header) > 1 or not found:
            return ""
        expected = _DELIMITER_NAMES[self._delimiter]
        return f" (cells are separated by {expected} here, not by {found[0]!r})"

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        for record in self._records_below_header():
            yield self._row(record)

    def _row(self, record: Record | BrokenRecord) -> CatalogRow | BadRow:
        values = dict(zip(self._header, record.cells, strict=False))
        raw_id = _missing_if_nan(values.pop(self._options.id_column, None))
        if isinstance(record, BrokenRecord):
            return self._builder.bad_row(record.line, raw_id, record.problem)
        image = values.pop(self._options.image_column, "")
        try:
            check_cell_count(record, self._header)
            images = _images(image)
            self._check_finite(values)
        except RowError as error:
            return self._builder.bad_row(record.line, raw_id, error)
        fields: Mapping[str, FieldValue] = {name: cell or None for name, cell in values.items()}
        return self._builder.row(record.line, raw_id, images, fields)

    def _check_finite(self, values: Mapping[str, str]) -> None:
        for name, cell in values.items():
            if is_non_finite(cell) and self._types.get(name, FieldType.TEXT) != FieldType.TEXT:
                raise RowError(
                    Reason.NAN,
                    f"column {quote_for_message(name)} holds values of type "
                    f"{self._types[name].value} and here {quote_for_message(cell)}; leave the cell "
                    "empty if there is no value",
                )

    @cached_property
    def _types(self) -> dict[str, FieldType]:
        """The columns' types, from a pass of their own; only a file with a NaN in it needs it."""
        typer = FieldTyper(parse_text=True)
        for record in self._records_below_header():
            if isinstance(record, Record) and len(record.cells) == len(self._header):
                typer.observe(dict(zip(self._header, record.cells, strict=True)))
        return typer.types()


def _missing_if_nan(raw_id: str | None) -> str | None:
    # Data frames write a missing id as "nan"; every product without an id would get that one.
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
        items = json.loads(text)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise RowError(
            Reason.BAD_IMAGE,
            f"{quote_for_message(text)} is not a valid list of images; write it as JSON: "
            '["a.jpg", "b.jpg"]',
        )
    return list(items)
