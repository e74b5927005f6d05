"""JSON Lines catalogs: one JSON object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from indexer.catalog.fields import FieldValue
from indexer.catalog.formats.columns import MAX_FIELDS
from indexer.catalog.formats.text_lines import MAX_RECORD_BYTES, Line, count_lines, read_lines
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.row_builder import RawImage, RowBuilder
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Reason
from indexer.errors import RowError

__all__ = ["JsonLinesCatalog", "parse_object"]

# Digits of a number that a message shows.
_SHOWN_DIGITS = 40


class JsonLinesCatalog(Catalog):
    """A UTF-8 text file with one JSON object, one product, on each line; empty lines are skipped.

    The image is a path or URL, or a list of them. Values keep their type; lists and objects become
    JSON text. Rows need not have the same fields.

    Args:
        path: The file.
        options: How to read it.
    """

    def __init__(self, path: Path, options: CatalogOptions) -> None:
        super().__init__(path, options)
        self._builder = RowBuilder(path, options)

    @cached_property
    def count(self) -> int:
        """The number of rows; empty lines count."""
        return count_lines(self._path)

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        names: set[str] = set()
        for line in read_lines(self._path):
            if line.too_long or line.content.strip():
                yield self._row(line, names)

    def _row(self, line: Line, names: set[str]) -> CatalogRow | BadRow:
        raw_id: object = None
        try:
            values = parse_object(line)
            raw_id = values.pop(self._options.id_column, None)
            images = _images(values.pop(self._options.image_column, None))
            fields = {name: _field(value) for name, value in values.items()}
            _add_names(names, fields)
        except RowError as error:
            return self._builder.bad_row(line.number, raw_id, error)
        return self._builder.row(line.number, raw_id, images, fields)


def parse_object(line: Line) -> dict[str, Any]:
    """Parse the JSON object on a line of a file.

    Raises:
        RowError: `row_too_long`, `bad_utf8` or `bad_json`.
    """
    if line.too_long:
        raise RowError(
            Reason.ROW_TOO_LONG, f"the line has more than {MAX_RECORD_BYTES:,} bytes; shorten it"
        )
    try:
        text = line.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowError(
            Reason.BAD_UTF8,
            f"byte {error.start + 1} of the line (0x{line.content[error.start]:02x}) is not UTF-8 "
            "text; save the file as UTF-8",
        ) from None
    try:
        value = _DECODER.decode(text)
        # Half a surrogate pair, written as an escape, is not text that can be stored.
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise RowError(
            Reason.BAD_JSON, "an escape (\\ud800 to \\udfff) is half a character; correct the text"
        ) from None
    except RecursionError:
        raise RowError(Reason.BAD_JSON, "the row is nested too deeply; flatten it") from None
    except ValueError as error:
        raise RowError(Reason.BAD_JSON, f"the line is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise RowError(
            Reason.BAD_JSON, "the line is not a JSON object; write one {...} on each line"
        )
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number; leave the value out or write null")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:_SHOWN_DIGITS]} is too large a number")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {quote_for_message(repeated)} occurs twice in one object")
    return values


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique
)


def _images(value: object) -> list[RawImage]:
    if value is None or value == "":
        return []
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise RowError(
            Reason.BAD_IMAGE, "the image is neither a path or URL (text) nor a list of them"
        )
    return list(items)


def _field(value: object) -> FieldValue:
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False)


def _add_names(names: set[str], fields: dict[str, FieldValue]) -> None:
    if not names.issuperset(fields):
        if "" in fields:
            raise RowError(Reason.BAD_JSON, "a value has an empty name; name it")
        if len(names | fields.keys()) > MAX_FIELDS:
            raise RowError(
                Reason.TOO_MANY_FIELDS,
                f"with this row the catalog would have more than {MAX_FIELDS:,} fields; put "
                "rare ones into one object",
            )
        names.update(fields)
