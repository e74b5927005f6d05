"""Labelled queries: queries with their relevant products, read from a file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from indexer.catalog.tables import TableRow, read_table
from indexer.errors import CatalogError, RowError
from indexer.storage import QueryKind

__all__ = ["LabelledQueries", "LabelledQuery", "QueryColumns", "read_queries"]

# Largest image file of a query.
_MAX_IMAGE_BYTES = 32 * 2**20
# Columns named in an error.
_QUOTED_COLUMNS = 20


@dataclass(frozen=True)
class QueryColumns:
    """The columns of a query file.

    Attributes:
        text: Column of the words.
        image: Column of the images: paths relative to the file, or bytes in Parquet.
        relevant: Column of the relevant products: an id; ids separated by spaces or commas; a list
            of ids; or a JSON object of ids with gains (graded relevance: 0 is not relevant, higher
            is better).
        labels: Columns named as product fields. If there are any, the products whose fields all
            have the values of these columns are relevant, and `relevant` is not read.
        category: Column that queries are grouped by.
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
    """A query with its relevant products.

    Attributes:
        line: Its line in the file, as in `indexer.catalog.CatalogRow`.
        text: Words, if any.
        image: An image, if any.
        relevant: Gain above 0 of each relevant product, by id; empty if there are labels.
        labels: Values of the relevant products, by field, as in the file.
        category: The category of the query, if any.
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
    def kind(self) -> QueryKind:
        """Whether it is a text, an image or both."""
        if self.image is None:
            return QueryKind.TEXT
        return QueryKind.IMAGE if self.text is None else QueryKind.MIXED

    @property
    def kind_name(self) -> str:
        """The kind as reports name it, where an image is called a picture."""
        return "picture" if self.kind is QueryKind.IMAGE else str(self.kind)


@dataclass(frozen=True)
class LabelledQueries:
    """The queries of a file.

    Attributes:
        queries: The usable queries, one or more.
        bad: The unusable rows, with the reasons.
    """

    queries: tuple[LabelledQuery, ...]
    bad: tuple[BadRow, ...]


_COLUMNS = QueryColumns()

IsId = Callable[[str], bool]


def read_queries(
    path: Path, columns: QueryColumns = _COLUMNS, is_id: IsId = lambda _: False
) -> LabelledQueries:
    """Read labelled queries from a CSV, TSV, JSON Lines or Parquet file.

    Args:
        path: The file.
        columns: The columns of the file.
        is_id: Whether a text is a product's id, which is then not split into several.

    Raises:
        CatalogError: The file is unreadable, lacks a required column, or has no usable query.
    """
    root = path.parent.resolve()
    queries: list[LabelledQuery] = []
    bad: list[BadRow] = []
    names: set[str] = set()
    for row in read_table(path):
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        names.update(row.values)
        try:
            queries.append(_query(row, columns, root, is_id))
        except RowError as error:
            bad.append(BadRow(row.line, None, error.reason, error.message))
    if not queries:
        raise CatalogError(_no_query(path, columns, names, bad))
    return LabelledQueries(tuple(queries), tuple(bad))


def _no_query(path: Path, columns: QueryColumns, names: set[str], bad: list[BadRow]) -> str:
    """Explain why a file has no usable query."""
    file = quote_for_message(path.name)
    has = f"its columns are {', '.join(map(quote_for_message, sorted(names)[:_QUOTED_COLUMNS]))}"
    if names and not names & {columns.text, columns.image}:
        return (
            f"{file} has neither a column {quote_for_message(columns.text)} nor a column "
            f"{quote_for_message(columns.image)}; {has}"
        )
    wanted = columns.labels or (columns.relevant,)
    for name in wanted if names else ():
        if name not in names:
            hint = "" if columns.labels else ", or name a field to compare with --label"
            return f"{file} has no column {quote_for_message(name)}; {has}; add one{hint}"
    if not bad:
        return f"{file} has no rows; there is nothing to evaluate"
    first = bad[0]
    return (
        f"{file} has no usable query; {len(bad):,} row(s) are broken, the first on line "
        f"{first.line}: {first.message}"
    )


def _query(row: TableRow, columns: QueryColumns, root: Path, is_id: IsId) -> LabelledQuery:
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
        relevant={} if labels else _relevant(row.values.get(columns.relevant), is_id, columns),
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
        raise RowError(Reason.BAD_IMAGE, "a query has one image: a path, or bytes in Parquet")
    source = find_image(root, value, _MAX_IMAGE_BYTES)
    if source.url is not None:
        raise RowError(
            Reason.UNSUPPORTED_SCHEME, "images at URLs are not fetched here; give a file's path"
        )
    return source


def _relevant(value: object, is_id: IsId, columns: QueryColumns) -> dict[str, float]:
    if isinstance(value, str):
        value = _parse_ids(value.strip(), is_id)
    if isinstance(value, dict):
        gains = {clean_id(product): _gain(product, gain) for product, gain in value.items()}
    else:
        items = value if isinstance(value, list) else [] if value is None else [value]
        gains = dict.fromkeys((clean_id(item) for item in items), 1.0)
    gains = {product: gain for product, gain in gains.items() if gain > 0}
    if not gains:
        raise RowError(
            Reason.MISSING_ID,
            f"the row names no relevant product in {quote_for_message(columns.relevant)}; give one "
            "id or several",
        )
    return gains


def _parse_ids(text: str, is_id: IsId) -> object:
    """Split a text into ids, or parse it as JSON."""
    if is_id(text):
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
            f"the column {quote_for_message(column)} is not a JSON object, such as "
            '{"colour": "red"}',
        )
    return value
