"""Labelled queries: what was asked, and which products answer it; read from a file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from indexer.catalog import (
    BadRow,
    ImageSource,
    Reason,
    clean_id,
    embedded_image,
    find_image,
    quote_for_message,
)
from indexer.catalog.formats import TableRow, read_table
from indexer.errors import CatalogError, RowError

__all__ = ["AskedBy", "LabelledQueries", "LabelledQuery", "QueryColumns", "read_queries"]

_MAX_IMAGE_BYTES = 32 * 2**20


class AskedBy(StrEnum):
    """What a query is made of: words, a picture, or both."""

    TEXT = "text"
    PICTURE = "picture"
    MIXED = "mixed"


@dataclass(frozen=True)
class QueryColumns:
    """Where in the file what stands.

    Attributes:
        text: Column of words.
        image: Column of pictures: a path relative to the file, or bytes in Parquet.
        relevant: Column of the products that answer the query: an id; ids between spaces or
            commas; a list of ids; or a JSON object of ids with gains (graded relevance: 0 is not
            relevant, higher is better).
        labels: Columns named as product fields. With any, those products answer a query whose
            fields all have the values of the query's columns, and `relevant` is not read.
        category: Column by which queries are grouped.
        filter: Column of filters, as JSON objects (`indexer.retrieval.filters`).
    """

    text: str = "text"
    image: str = "image"
    relevant: str = "relevant"
    labels: tuple[str, ...] = ()
    category: str = "category"
    filter: str = "filter"


@dataclass(frozen=True)
class LabelledQuery:
    """A query whose answer is known.

    Attributes:
        line: Where it stands in its file, as `indexer.catalog.CatalogRow` has it.
        text: Words, if any.
        image: A picture, if any.
        relevant: Gain of each relevant product by its id, above 0; empty where labels decide.
        labels: The values that relevant products have, by field, as they stand in the file.
        category: Its group, if any.
        filter: Conditions on the hits, if any.
    """

    line: int
    text: str | None
    image: ImageSource | None
    relevant: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, object] = field(default_factory=dict)
    category: str | None = None
    filter: Mapping[str, Any] | None = None

    @property
    def asked_by(self) -> AskedBy:
        """What it is made of."""
        if self.image is None:
            return AskedBy.TEXT
        return AskedBy.PICTURE if self.text is None else AskedBy.MIXED


@dataclass(frozen=True)
class LabelledQueries:
    """A file of queries.

    Attributes:
        queries: Those that can be asked, one or more.
        bad: The rows that are no query, and why.
    """

    queries: tuple[LabelledQuery, ...]
    bad: tuple[BadRow, ...]


_COLUMNS = QueryColumns()

Known = Callable[[str], bool]


def read_queries(
    path: Path, columns: QueryColumns = _COLUMNS, known: Known = lambda text: False
) -> LabelledQueries:
    """Read labelled queries from a CSV, TSV, JSON Lines or Parquet file.

    Args:
        path: The file.
        columns: Where in it what stands.
        known: Whether a text is a product's id; one that is is not split into several.

    Raises:
        CatalogError: The file can't be read, lacks a column it must have, or has no usable query.
    """
    root = path.parent.resolve()
    queries: list[LabelledQuery] = []
    bad: list[BadRow] = []
    names: set[str] = set()
    for row in read_table(path, columns.image):
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        names.update(row.values)
        try:
            queries.append(_query(row, columns, root, known))
        except RowError as error:
            bad.append(BadRow(row.line, None, error.reason, error.message))
    if not queries:
        raise CatalogError(_nothing(path, columns, names, bad))
    return LabelledQueries(tuple(queries), tuple(bad))


def _nothing(path: Path, columns: QueryColumns, names: set[str], bad: list[BadRow]) -> str:
    """Why a file has no usable query."""
    has = f"its columns are {', '.join(map(quote_for_message, sorted(names)[:20]))}"
    if names and not names & {columns.text, columns.image}:
        return (
            f"{quote_for_message(path.name)} has neither a column "
            f"{quote_for_message(columns.text)} nor a column "
            f"{quote_for_message(columns.image)}; {has}"
        )
    wanted = columns.labels or (columns.relevant,)
    for name in wanted if names else ():
        if name not in names:
            hint = "" if columns.labels else ", or name a field that decides with --label"
            return (
                f"{quote_for_message(path.name)} has no column {quote_for_message(name)}; {has}; "
                f"add one{hint}"
            )
    if not bad:
        return f"{quote_for_message(path.name)} has no rows; there is nothing to evaluate"
    first = bad[0]
    return (
        f"{quote_for_message(path.name)} has no usable query; {len(bad):,} row(s) are broken, "
        "the first on "
        f"line {first.line}: {first.message}"
    )


def _query(row: TableRow, columns: QueryColumns, root: Path, known: Known) -> LabelledQuery:
    text = row.values.get(columns.text)
    if text is not None and not isinstance(text, str):
        text = str(text)
    image = _image(row.values.get(columns.image), root)
    if not (text and text.strip()) and image is None:
        raise RowError(
            Reason.BAD_VALUE,
            f"the row has neither words in {quote_for_message(columns.text)} nor a picture in "
            f"{quote_for_message(columns.image)}",
        )
    labels = {name: row.values.get(name) for name in columns.labels}
    for name, value in labels.items():
        if value is None or value == "":
            raise RowError(Reason.BAD_VALUE, f"the column {quote_for_message(name)} is empty")
    category = row.values.get(columns.category)
    return LabelledQuery(
        line=row.line,
        text=text.strip() if text and text.strip() else None,
        image=image,
        relevant={} if labels else _relevant(row.values.get(columns.relevant), known, columns),
        labels=labels,
        category=None if category in (None, "") else str(category),
        filter=_filter(row.values.get(columns.filter), columns.filter),
    )


def _image(value: object, root: Path) -> ImageSource | None:
    if value is None or value == "":
        return None
    if isinstance(value, bytes):
        return embedded_image(value, _MAX_IMAGE_BYTES)
    if not isinstance(value, str):
        raise RowError(Reason.BAD_IMAGE, "a query has one picture: a path, or bytes in Parquet")
    source = find_image(root, value, _MAX_IMAGE_BYTES)
    if source.url is not None:
        raise RowError(
            Reason.UNSUPPORTED_SCHEME, "pictures at URLs are not fetched here; give a file's path"
        )
    return source


def _relevant(value: object, known: Known, columns: QueryColumns) -> dict[str, float]:
    if isinstance(value, str):
        value = _parsed(value.strip(), known)
    if isinstance(value, dict):
        gains = {clean_id(product): _gain(product, gain) for product, gain in value.items()}
    else:
        items = value if isinstance(value, list) else [] if value is None else [value]
        gains = dict.fromkeys((clean_id(item) for item in items), 1.0)
    gains = {product: gain for product, gain in gains.items() if gain > 0}
    if not gains:
        raise RowError(
            Reason.MISSING_ID,
            f"the row names no relevant product in {quote_for_message(columns.relevant)}; give "
            "an id, or "
            "several",
        )
    return gains


def _parsed(text: str, known: Known) -> object:
    """The ids in a text, or the JSON that it is."""
    if known(text):
        return text
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RowError(
                Reason.BAD_JSON,
                f"the relevant ids are not valid JSON: {quote_for_message(str(error))}",
            ) from None
    parts = text.split(",") if "," in text else text.split()
    return [part.strip() for part in parts if part.strip()]


def _gain(product: str, gain: object) -> float:
    number = isinstance(gain, int | float) and not isinstance(gain, bool)
    if not number or not math.isfinite(float(str(gain))) or float(str(gain)) < 0:
        raise RowError(
            Reason.BAD_VALUE,
            f"the gain of {quote_for_message(product)} is {quote_for_message(str(gain))}; gains "
            "are numbers from 0",
        )
    return float(str(gain))


def _filter(value: object, column: str) -> dict[str, Any] | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise RowError(
            Reason.BAD_VALUE,
            f"the column {quote_for_message(column)} holds no JSON object, such as "
            '{"colour": "red"}',
        )
    return value
