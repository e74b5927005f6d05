"""Flat feeds of Google Merchant, Meta and OpenAI: one record for each product or variant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from indexer.catalog.feeds.feed_table import GROUP, FeedTable, plain_name, split_urls, text_of
from indexer.catalog.tables import BrokenRecord, Record, Roles, Table

__all__ = ["FlatFeed", "FlatRules", "flat_rules"]

_MOST_ADDITIONAL = 10


@dataclass(frozen=True)
class FlatRules:
    """The columns of a flat feed.

    Attributes:
        name: Name of the feed.
        id: The column of ids.
        image: The column of the main image.
        more: The column of additional images.
        group: The column that variants of one product share.
        marks: Columns that only this feed has; one of them is enough.
    """

    name: str
    id: str
    image: str
    more: str
    group: str
    marks: frozenset[str]


_RULES = (
    FlatRules(
        "OpenAI product feed", "item_id", "image_url", "additional_image_urls", "group_id",
        frozenset({"is_eligible_search", "is_eligible_checkout", "enable_search",
                   "enable_checkout"}),
    ),
    FlatRules(
        "OpenAI product feed", "id", "image_link", "additional_image_link", "item_group_id",
        frozenset({"enable_search", "enable_checkout", "is_eligible_search"}),
    ),
    FlatRules(
        "Meta product feed", "id", "image_link", "additional_image_link", "item_group_id",
        frozenset({"fb_product_category", "quantity_to_sell_on_facebook", "rich_text_description",
                   "commerce_tax_category", "video[0].url", "status"}),
    ),
    FlatRules(
        "Meta product feed", "id", "image[0].url", "image[1].url", "item_group_id",
        frozenset({"image[0].url"}),
    ),
    FlatRules(
        "Google Merchant feed", "id", "image_link", "additional_image_link", "item_group_id",
        frozenset({"availability", "price", "gtin", "mpn", "google_product_category", "condition",
                   "additional_image_link", "item_group_id", "product_type", "link"}),
    ),
)  # fmt: skip


def flat_rules(columns: Iterable[str]) -> FlatRules | None:
    """Return the rules of the flat feed that has these columns, if any."""
    names = {plain_name(column) for column in columns}
    for rules in _RULES:
        if {rules.id, rules.image} <= names and rules.marks & names and "title" in names:
            return rules
    return None


class FlatFeed(FeedTable):
    """A flat feed: the main image first, then up to ten additional ones.

    Columns are named as the feed's documents name them: `g:image link` becomes `image_link`.

    Args:
        table: The records.
        rules: Which feed it is.
    """

    def __init__(self, table: Table, rules: FlatRules) -> None:
        super().__init__(table, rules.name)
        self._rules = rules
        self.roles = Roles(rules.id, (rules.image, rules.more))

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        for record in self._table.records():
            values = self._values(record.values)
            if isinstance(record, BrokenRecord):
                yield BrokenRecord(record.line, record.problem, values)
            else:
                yield Record(record.line, values)

    def _values(self, raw: Mapping[str, object]) -> dict[str, object]:
        rules = self._rules
        values: dict[str, object] = {}
        more: list[str] = []
        for column, value in raw.items():
            name = plain_name(column)
            if name == rules.more or _is_numbered(name, rules.more):
                more += split_urls(value)
            elif name == rules.group:
                values[GROUP] = text_of(value) or None
            else:
                values[name] = value
        main = split_urls(values.get(rules.image))
        values[rules.image] = main
        values[rules.more] = [url for url in dict.fromkeys(more) if url not in main][
            :_MOST_ADDITIONAL
        ]
        return values


def _is_numbered(name: str, column: str) -> bool:
    """Whether a column repeats another: `additional_image_link_2`, `image[3].url`."""
    if column.startswith("image["):
        return name.startswith("image[") and name.endswith("].url") and name != "image[0].url"
    return name.startswith(column) and name[len(column) :].strip(" _()[]").isdecimal()
