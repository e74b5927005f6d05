"""JSON tables: one array of objects, one object with such an array, or objects in a row."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables.files import compression_of, open_bytes
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, Table, TableDescription
from indexer.catalog.tables.text.jsonl import DECODER
from indexer.errors import CatalogError, RowError

__all__ = ["JsonFile"]

_CHUNK_BYTES = 2**18
# Characters of one object in an array, and of a file that is one object.
_MAX_ITEM = 2**24
_MAX_OBJECT = 2**28
_BLANK = " \t\n\r"
_LENIENT = json.JSONDecoder()
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class JsonFile(Table):
    """A JSON file; the `line` of a record is its item, from 1.

    Items are read one by one, except those of an array inside an object, which are in memory.

    Args:
        path: The file, perhaps compressed.

    Raises:
        CatalogError: It is not JSON, or it is unclear which of its arrays holds the products.
    """

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return TableDescription("JSON", compression=compression_of(self.path))

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        with open_bytes(self.path) as file:
            reader = _Reader(file, self.name)
            first = reader.peek()
            if first == "[":
                reader.skip(1)
                items = reader.items()
            elif first == "{":
                items = self._objects(reader)
            else:
                raise CatalogError(
                    f"{quote_for_message(self.name)} is not JSON: it begins with neither [ nor {{; "
                    "a catalog is an array of objects"
                )
            for number, item in enumerate(items, start=1):
                if isinstance(item, RowError):
                    yield BrokenRecord(number, item)
                elif isinstance(item, dict):
                    yield Record(number, item)
                else:
                    problem = f"item {number} is not a JSON object; write one {{...}} a product"
                    yield BrokenRecord(number, RowError(Reason.BAD_JSON, problem))

    def _objects(self, reader: _Reader) -> Iterator[Any]:
        first = reader.value(_MAX_OBJECT)
        if reader.peek():
            yield first
            while reader.peek():
                yield reader.value(_MAX_ITEM)
            return
        lists = (
            {name: value for name, value in first.items() if _is_list_of_objects(value)}
            if isinstance(first, dict)
            else {}
        )
        if "variants" in lists and "handle" in first:
            lists = {}  # one product of a shop
        if len(lists) > 1:
            lists = {name: value for name, value in lists.items() if name == "products"}
            if not lists:
                raise CatalogError(
                    f"{quote_for_message(self.name)} has several lists, and none is called "
                    "'products'; save the list of products as a file of its own"
                )
        if lists:
            yield from next(iter(lists.values()))
        else:
            yield first


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


class _Reader:
    """Takes values from the beginning of a file, with little more of it in memory."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._text = ""
        self._at = 0
        self._taken = 0
        self._ended = False
        head = file.read(_CHUNK_BYTES)
        mark, codec = next(
            ((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", "utf-8")
        )
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._add(head[len(mark) :])

    def skip(self, count: int) -> None:
        """Pass over some characters."""
        self._at += count

    def peek(self) -> str:
        """Return the next character that is not blank; the empty text at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def items(self) -> Iterator[Any]:
        """Yield the items of an array whose bracket was passed over."""
        if self.peek() == "]":
            return
        while True:
            yield self.value(_MAX_ITEM)
            mark = self.peek()
            if mark == "]":
                return
            if mark != ",":
                raise self._invalid("a comma or ] is missing" if mark else "the file is cut short")
            self.skip(1)
            self.peek()

    def value(self, limit: int) -> Any:
        """Take the next value; a `RowError` in place of one that can't be stored.

        Raises:
            CatalogError: It is not valid JSON, or longer than the limit.
        """
        while True:
            try:
                value, self._at = DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise self._invalid("it is nested too deeply") from None
            except json.JSONDecodeError as error:
                if self._ended or len(self._text) - self._at > limit:
                    raise self._invalid(error.msg) from None
                # As much again as there is: a long item is not parsed for every piece of it.
                for _ in range(1 + (len(self._text) - self._at) // _CHUNK_BYTES):
                    self._more()
            except ValueError as error:
                _, self._at = _LENIENT.raw_decode(self._text, self._at)
                value = RowError(Reason.BAD_JSON, f"the item can't be stored: {error}")
                break
            else:
                break
        self._taken += 1
        if isinstance(value, dict) and not _is_text(value):
            return RowError(Reason.BAD_JSON, "an escape is half a character; correct the text")
        return value

    def _more(self) -> bool:
        chunk = self._file.read(_CHUNK_BYTES)
        self._add(chunk)
        return bool(chunk)

    def _add(self, chunk: bytes) -> None:
        self._ended = not chunk
        try:
            more = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise CatalogError(
                f"{quote_for_message(self._name)} is not UTF-8, as JSON is (byte "
                f"0x{error.object[error.start]:02x}); save it as UTF-8"
            ) from None
        self._text, self._at = self._text[self._at :] + more, 0

    def _invalid(self, problem: str) -> CatalogError:
        return CatalogError(
            f"{quote_for_message(self._name)} is not valid JSON after item {self._taken:,} "
            f"({problem}); export it again"
        )


def _is_text(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
