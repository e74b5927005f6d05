"""Recognition of feeds, by the columns of a table."""

from __future__ import annotations

from indexer.catalog.feeds.flat import FlatFeed, flat_rules
from indexer.catalog.feeds.shopify_csv import ShopifyCsv, is_shopify_csv
from indexer.catalog.feeds.shopify_json import ShopifyJson, is_shopify_json
from indexer.catalog.feeds.woocommerce import WooCommerceCsv, is_woocommerce_csv
from indexer.catalog.tables import Record, Table

__all__ = ["as_feed"]


def as_feed(table: Table) -> Table:
    """Return a table with the rules of the feed that it is, or unchanged if it is none."""
    if table.roles is not None:
        return table
    columns = table.columns
    if columns is not None:
        if is_shopify_csv(columns):
            return ShopifyCsv(table)
        if is_woocommerce_csv(columns):
            return WooCommerceCsv(table)
    else:
        first = next((record for record in table.records() if isinstance(record, Record)), None)
        if first is None:
            return table
        if is_shopify_json(first.values):
            return ShopifyJson(table)
        columns = list(first.values)
    rules = flat_rules(columns)
    return table if rules is None else FlatFeed(table, rules)
