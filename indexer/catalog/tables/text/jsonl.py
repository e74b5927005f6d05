"""JSON Lines tables: one JSON object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, Table, TableDescription
from indexer.catalog.tables.text.text_file import MAX_RECORD_CHARACTERS, TextFile
from indexer.errors import RowError

__all__ = ["DECODER", "JsonLinesTable", "parse_object"]

# Digits of a number that a message shows.
_SHOWN_DIGITS = 40


class JsonLinesTable(Table):
    """A text file with one JSON object on each line; empty lines are skipped.

    Values keep their type. Records need not have the same columns.

    Args:
        file: The file.
    """

    def __init__(self, file: TextFile) -> None:
        super().__init__(file.path)
        self._file = file

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        file = self._file
        return TableDescription("JSON Lines", encoding=file.encoding, compression=file.compression)

    @property
    def count(self) -> int:
        """The number of records; empty lines count."""
        return self._file.count

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        for number, line in self._file.lines():
            if line is not None and not line.strip():
                continue
            try:
                yield Record(number, self._parse(number, line))
            except RowError as error:
                yield BrokenRecord(number, error)

    def _parse(self, number: int, line: str | None) -> dict[str, Any]:
        if line is None:
            raise RowError(
                Reason.ROW_TOO_LONG,
                f"the line has more than {MAX_RECORD_CHARACTERS:,} characters; shorten it",
            )
        self._file.check(number, line)
        return parse_object(line)


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        RowError: `bad_json`.
    """
    try:
        value = DECODER.decode(text)
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


DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique
)
