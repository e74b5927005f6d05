"""Feed tables: a table over another table, with the rules of a feed."""

from __future__ import annotations

import re
from dataclasses import replace

from indexer.catalog.rows import VARIANTS
from indexer.catalog.tables import Table, TableDescription

__all__ = ["GROUP", "FeedTable", "plain_name", "split_urls", "text_of"]

GROUP = VARIANTS
"""The field that the variants of one product share, in every feed."""

_BETWEEN_WORDS = re.compile(r"[\s_-]+")
# A comma between addresses; one inside an address is not followed by another.
_BETWEEN_URLS = re.compile(r"\s*[,|\n]\s*(?=https?://|//)|\s+(?=https?://)", re.IGNORECASE)


class FeedTable(Table):
    """The records of a table, read by the rules of a feed.

    Args:
        table: The file's records.
        feed: Name of the feed.
    """

    def __init__(self, table: Table, feed: str) -> None:
        super().__init__(table.path)
        self.name = table.name
        self.root = table.root
        self.notes = table.notes
        self.untyped = table.untyped
        self._table = table
        self._feed = feed

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        return replace(self._table.description, feed=self._feed)

    @property
    def count(self) -> int | None:
        """The number of records of the table; variants and groups make it differ from products."""
        return self._table.count


def plain_name(column: str) -> str:
    """Return a column's name as feeds compare it: `g:Image Link` is `image_link`."""
    return _BETWEEN_WORDS.sub("_", column.strip().lower().removeprefix("g:"))


def text_of(value: object) -> str:
    """Return a value as text without blanks around it; the empty text if there is none."""
    return "" if value is None else str(value).strip()


def split_urls(value: object) -> list[str]:
    """Return the images of a cell: addresses or paths separated by commas, or a list of them."""
    if isinstance(value, list | tuple):
        return [url for item in value for url in split_urls(item)]
    text = text_of(value)
    if "://" in text or text.startswith("//"):
        return [part.strip() for part in _BETWEEN_URLS.split(text) if part.strip()]
    return [part.strip() for part in text.split(",") if part.strip()]
