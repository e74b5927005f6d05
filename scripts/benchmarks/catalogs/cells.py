"""Cells of the matrix: plain tables by format, encoding, delimiter, compression and price style."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

from indexer.catalog import CatalogOptions
from scripts.benchmarks.catalogs.shop import (
    AMOUNTS,
    PICTURES,
    PRICES,
    Expected,
    PriceStyle,
    Truth,
    Value,
)
from scripts.benchmarks.catalogs.titles import TITLES
from scripts.benchmarks.catalogs.writers import (
    FORMATS,
    Sheet,
    TextStyle,
    compressed,
    delimited,
    write_format,
)

__all__ = ["Cell", "Shop", "plain_table", "table_cells", "write_bytes"]


@dataclass(frozen=True)
class Shop:
    """Folders in which the catalogs of the cells are written.

    Attributes:
        folder: The catalogs, and `pictures/` with the pictures.
        outside: Another folder with the same pictures.
    """

    folder: Path
    outside: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def new(self) -> Path:
        """Return a path for a file, without an ending."""
        return self.folder / f"c{next(self._numbers)}"


@dataclass(frozen=True)
class Cell:
    """One file of the matrix.

    Attributes:
        part: The part of the matrix that it belongs to.
        name: What is special about it.
        write: Writes the file; returns its path.
        truth: What must come of it.
        options: How it is read.
    """

    part: str
    name: str
    write: Callable[[], Path]
    truth: Truth
    options: CatalogOptions = field(default_factory=CatalogOptions)


# Names of the columns of ids, titles, pictures and prices, as shops write them.
_HEADERS = (
    ("id", "title", "image", "price"),
    ("SKU", "Name", "Image URL", "Price"),
    ("Artikelnummer", "Titel", "Bild", "Preis"),
    ("product_id", "name", "image_link", "unit price"),
    ("codigo", "nombre", "imagen", "precio"),
    ("ref", "nom", "photo", "prix"),
)
# Encodings with the language of their titles; the last member is whether there is a mark.
_ENCODINGS = (
    ("utf-8", "western", False), ("utf-8", "japanese", True), ("utf-8", "central", False),
    ("utf-16-le", "cyrillic", True), ("utf-16-be", "western", True),
    ("utf-16-le", "western", False), ("utf-16-be", "central", False), ("utf-32-le", "greek", True),
    ("windows-1252", "western", False), ("windows-1250", "central", False),
    ("windows-1251", "cyrillic", False), ("windows-1253", "greek", False),
    ("windows-1254", "turkish", False), ("iso-8859-2", "central plain", False),
    ("iso-8859-15", "western plain", False), ("mac-roman", "western", False),
    ("windows-1257", "baltic", False), ("koi8-r", "cyrillic plain", False),
    ("cp932", "japanese", False), ("euc-jp", "japanese", False),
    ("gb18030", "chinese", False), ("big5", "taiwanese", False), ("cp949", "korean", False),
)  # fmt: skip
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_ENDINGS = {",": "csv", ";": "csv", "\t": "tsv", "|": "txt"}
_COMPRESSIONS = ("", "gz", "bz2", "zst", "zip")
_LINE_ENDS = ("\n", "\r\n", "\r")
_QUOTINGS = (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
_ASCII_PICTURES = tuple(f"p{number:02}.png" for number in range(1, 13))
_TEXTUAL = frozenset({"csv", "csv semicolons", "tsv", "xml"})


def plain_table(
    *,
    header: Sequence[str] = _HEADERS[0],
    language: str = "western",
    price: PriceStyle = PRICES[0],
    typed: bool = False,
) -> tuple[Sheet, Truth]:
    """Return a table of the twelve products, and what must be read of it.

    Args:
        header: Names of the columns of ids, titles, pictures and prices.
        language: Of the titles.
        price: How prices are written.
        typed: Whether numbers, booleans and lists have types, and are no text.
    """
    id_name, title_name, image_name, price_name = header
    columns = [id_name, image_name, title_name, price_name, "ean", "stock", "on sale", "sizes",
               "season"]  # fmt: skip
    rows: list[list[Value]] = []
    products = []
    words = ("ja", "nein") if language == "western" else ("yes", "no")
    for number, title in enumerate(TITLES[language]):
        product_id, ean, stock = f"{number + 1:05}", f"0400638133{number:03}", number * 10
        amount, on_sale = price.amount(AMOUNTS[number]), number % 3 == 0
        sizes: list[float] = [36.0 + number, 37.0 + number]
        picture = PICTURES[number] if language.startswith("western") else "p01.png"
        season = "n/a" if number == 4 else "2026/27"
        if typed:
            typed_price: Value = amount if price is PRICES[0] else price.write(amount)
            cells: list[Value] = [typed_price, ean, stock, on_sale, sizes, season]
        else:
            listed = f"[{int(sizes[0])}, {int(sizes[1])}]"
            cells = [price.write(amount), ean, str(stock), words[not on_sale], listed, season]
        rows.append([product_id, f"pictures/{picture}", title, *cells])
        negative = price.name.startswith("-") and not (typed and price is PRICES[0])
        fields: dict[str, Value] = {
            title_name: title,
            price_name: -amount if negative else amount,
            "ean": ean,
            "stock": stock,
            "on sale": on_sale,
            "sizes": sizes,
            "season": None if season == "n/a" else season,
            f"{price_name}_currency": price.currency,
        }
        products.append(Expected(product_id, (picture,), fields))
    return Sheet(columns, rows), Truth(tuple(products))


def table_cells(shop: Shop) -> Iterator[Cell]:
    """Yield the cells of plain tables."""
    headers = cycle(_HEADERS)
    yield from _encodings(shop)
    for delimiter, what in _DELIMITERS.items():
        for kind in _COMPRESSIONS:
            sheet, truth = plain_table(header=next(headers))
            data = delimited(sheet, TextStyle(delimiter))
            name = f"c.{_ENDINGS[delimiter]}"
            packed = compressed(data, kind, name)
            ending = f"{_ENDINGS[delimiter]}{'.' if kind else ''}{kind}"
            yield Cell("compression", f"{what}, {kind or 'plain'}",
                       write_bytes(shop, packed, ending), truth)  # fmt: skip
    for delimiter, what in _DELIMITERS.items():
        for price in PRICES:
            sheet, truth = plain_table(header=next(headers), price=price)
            data = delimited(sheet, TextStyle(delimiter))
            yield Cell("prices", f"{what}, {price.name}",
                       write_bytes(shop, data, _ENDINGS[delimiter]), truth)  # fmt: skip
    for kind in FORMATS:
        if kind in ("csv", "csv semicolons", "tsv"):
            continue
        for price in PRICES:
            yield _format_cell(shop, kind, next(headers), price)
    yield from _layouts(shop)


def _format_cell(shop: Shop, kind: str, header: Sequence[str], price: PriceStyle) -> Cell:
    if kind == "webdataset":
        header = ("id", *header[1:])
    sheet, truth = plain_table(header=header, price=price, typed=kind not in _TEXTUAL)
    if kind == "xml":
        sheet = Sheet([name.replace(" ", "_") for name in sheet.columns], sheet.rows)
        truth = Truth(tuple(_renamed(product) for product in truth.products))
    if kind == "webdataset":
        sheet = Sheet(sheet.columns, [[row[0], str(row[1]).partition("/")[2], *row[2:]]
                                      for row in sheet.rows])  # fmt: skip
    if kind in ("xlsx", "ods", "sqlite"):
        rows = [
            [str(value) if isinstance(value, list) else value for value in row]
            for row in sheet.rows
        ]
        sheet = Sheet(sheet.columns, rows)
    return Cell("formats", f"{kind}, {price.name}", lambda: write_format(kind, shop.new(), sheet),
                truth)  # fmt: skip


def _renamed(product: Expected) -> Expected:
    fields = {name.replace(" ", "_"): value for name, value in product.fields.items()}
    return Expected(product.id, product.images, fields)


def _encodings(shop: Shop) -> Iterator[Cell]:
    headers, line_ends, quotings = cycle(_HEADERS), cycle(_LINE_ENDS), cycle(_QUOTINGS)
    for encoding, language, mark in _ENCODINGS:
        for delimiter, what in _DELIMITERS.items():
            for price in (PRICES[0], PRICES[1]):
                header = next(headers) if language != "taiwanese" else _HEADERS[0]
                sheet, truth = plain_table(header=header, language=language, price=price)
                line_end, quoting = next(line_ends), next(quotings)
                style = TextStyle(delimiter, encoding, mark, line_end, quoting)
                name = f"{encoding}{' with mark' if mark else ''}, {what}, {line_end!r}, " + (
                    price.name
                )
                data = delimited(sheet, style)
                yield Cell("encodings", name, write_bytes(shop, data, _ENDINGS[delimiter]), truth)


def _layouts(shop: Shop) -> Iterator[Cell]:
    """Yield what programs add to plain tables."""
    sheet, truth = plain_table()
    for ending in ("csv", "txt"):
        typed, typed_truth = plain_table(typed=True)
        for name, text in {
            "JSON named as text": json.dumps(typed.records()),
            "JSON Lines named as text": "\n".join(map(json.dumps, typed.records())),
        }.items():
            yield Cell("layouts", f"{name}, {ending}", write_bytes(shop, text.encode(), ending),
                       typed_truth)  # fmt: skip
    for delimiter, what in _DELIMITERS.items():
        text = delimited(sheet, TextStyle(delimiter)).decode()
        header, _, body = text.partition("\n")
        blank = delimiter * (len(sheet.columns) - 1)
        many = f"{blank}\n" * 30
        lines = body.splitlines(keepends=True)
        variants = {
            "first line names the delimiter": f"sep={delimiter}\n{text}",
            "blank lines": text.replace("\n", "\n\n"),
            "rows of empty cells": text + many,
            "rows of empty cells before the others": f"{header}\n{many}{body}",
            "a delimiter at the end of each row": text.replace("\n", f"{delimiter}\n"),
            "no line end at the end": text.rstrip("\n"),
            "blanks around cells": _spaced(sheet, delimiter),
            "an unnamed first column": _numbered(header, lines, delimiter),
        }
        for name, changed in variants.items():
            yield Cell("layouts", f"{what}, {name}",
                       write_bytes(shop, changed.encode(), _ENDINGS[delimiter]), truth)  # fmt: skip


def _spaced(sheet: Sheet, delimiter: str) -> str:
    """Return a table with blanks around every cell, and every cell in quotes."""
    text = io.StringIO()
    for row in [sheet.columns, *sheet.rows]:
        quoted = (f' "{str(value).replace(chr(34), chr(34) * 2)}" ' for value in row)
        text.write(delimiter.join(quoted) + "\n")
    return text.getvalue()


def _numbered(header: str, lines: Sequence[str], delimiter: str) -> str:
    """Return a table with the numbers of its rows in front, as data frames write it."""
    numbered = (f"{number}{delimiter}{line}" for number, line in enumerate(lines))
    return f"{delimiter}{header}\n" + "".join(numbered)


def write_bytes(shop: Shop, data: bytes, ending: str) -> Callable[[], Path]:
    """Return what writes a file of some bytes."""

    def write() -> Path:
        path = shop.new()
        file = path.with_name(f"{path.name}.{ending}")
        file.write_bytes(data)
        return file

    return write
