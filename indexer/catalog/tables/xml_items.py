"""XML tables: the items of an RSS file, or the entries of an Atom file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.files import compression_of, open_bytes
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, Table, TableDescription
from indexer.errors import CatalogError

__all__ = ["XmlItems"]

_ITEMS = frozenset({"item", "entry", "product", "offer"})
# Bytes of one item. A longer one is an unclosed element, or a bomb.
_MAX_ITEM_BYTES = 2**24
_CHUNK_BYTES = 2**16
_MAX_DEPTH = 20


class XmlItems(Table):
    """The items of an XML file, read one by one; the `line` of a record is its item, from 1.

    The columns are the elements of an item without their namespaces. An element that repeats is a
    list, one with elements inside is an object. A document type is refused, and entities with it.

    Args:
        path: The file, perhaps compressed.

    Raises:
        CatalogError: It is not XML, or has no items.
    """

    untyped = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if next(self.records(), None) is None:
            raise CatalogError(
                f"{quote_for_message(path.name)} has no <item> or <entry>; XML catalogs are RSS or "
                "Atom feeds of products"
            )

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return TableDescription("XML", compression=compression_of(self.path))

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        number, path = 0, []
        with open_bytes(self.path) as file:
            source = _ItemReader(file, self.name)
            try:
                for event, element in iterparse(source, ("start", "end"), forbid_dtd=True):
                    if event == "start":
                        path.append(element)
                        if len(path) > _MAX_DEPTH:
                            raise CatalogError(
                                f"{quote_for_message(self.name)} has elements nested more than "
                                f"{_MAX_DEPTH} deep; it is no product feed"
                            )
                        continue
                    path.pop()
                    if _local(element.tag) in _ITEMS:
                        number += 1
                        source.begin_item()
                        yield Record(number, _values(element))
                        if path:
                            path[-1].remove(element)
            except DefusedXmlException as error:
                raise CatalogError(
                    f"{quote_for_message(self.name)} declares a document type or entities, which "
                    "feeds of products don't have and which are not read; export it without"
                ) from error
            except ParseError as error:
                raise CatalogError(
                    f"{quote_for_message(self.name)} is not valid XML after item {number:,} "
                    f"({quote_for_message(str(error))}); export it again"
                ) from error


class _ItemReader:
    """Reads a file in pieces, and refuses one whose items have no end."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._size = 0

    def begin_item(self) -> None:
        """Count the bytes of the next item."""
        self._size = 0

    def read(self, size: int = _CHUNK_BYTES) -> bytes:
        """Return up to so many bytes."""
        data = self._file.read(min(size, _CHUNK_BYTES) if size > 0 else _CHUNK_BYTES)
        self._size += len(data)
        if self._size > _MAX_ITEM_BYTES:
            raise CatalogError(
                f"{quote_for_message(self._name)} has an item of more than {_MAX_ITEM_BYTES:,} "
                "bytes; it is no product feed"
            )
        return data


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _values(element: Any) -> dict[str, object]:
    values: dict[str, object] = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name, value = _local(child.tag), _value(child)
        if name in values:
            before = values[name]
            values[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            values[name] = value
    return values


def _value(element: Any) -> object:
    if len(element):
        return _values(element)
    text = (element.text or "").strip()
    # Atom gives links as attributes.
    return text or element.get("href") or None
