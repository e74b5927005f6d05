"""WooCommerce's CSV export: variable products, their variations, and images in one cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from indexer.catalog.feeds.feed_table import GROUP, FeedTable, split_urls, text_of
from indexer.catalog.tables import BrokenRecord, Record, Roles, Table

__all__ = ["WooCommerceCsv", "is_woocommerce_csv"]

# What a variation takes from its parent where it has none of its own.
_INHERITED = ("Images", "Name", "Categories", "Tags", "Description", "Short description", "Brands")


def is_woocommerce_csv(columns: Iterable[str]) -> bool:
    """Whether a table has the columns of WooCommerce's export of products."""
    return {"Type", "SKU", "Name", "Images"} <= set(columns)


class WooCommerceCsv(FeedTable):
    """WooCommerce's export of products: simple and variable products, and variations.

    A variation is of its parent's group, and has the parent's images if it has none of its own.

    Args:
        table: The rows; a parent stands above its variations, as the shop exports them.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table, "WooCommerce export")
        self._id = "ID" if "ID" in (table.columns or ()) else "SKU"
        self.roles = Roles(self._id, ("Images",))

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        parents: dict[str, dict[str, object]] = {}
        for record in self._table.records():
            if isinstance(record, BrokenRecord):
                yield record
                continue
            values = dict(record.values)
            if not text_of(values.get(self._id)):
                values[self._id] = values.get("SKU")
            product_id = text_of(values.get(self._id))
            values["Images"] = split_urls(values.get("Images"))
            kind = text_of(values.get("Type")).lower()
            if kind.startswith("variable"):
                values[GROUP] = product_id
                kept = {name: values[name] for name in (*_INHERITED, GROUP) if name in values}
                parents[f"id:{product_id}"] = kept
                if sku := text_of(values.get("SKU")):
                    parents[sku] = kept
            elif kind.startswith("variation"):
                _inherit(values, parents)
            yield Record(record.line, _with_attributes(values))


def _inherit(values: dict[str, object], parents: Mapping[str, dict[str, object]]) -> None:
    reference = text_of(values.get("Parent"))
    parent = parents.get(reference, {GROUP: reference.removeprefix("id:")})
    for name, value in parent.items():
        if not values.get(name):
            values[name] = value


def _with_attributes(values: dict[str, object]) -> dict[str, object]:
    """Make one field of `Attribute 1 name` and `Attribute 1 value(s)`: the first names it."""
    number = 1
    while f"Attribute {number} name" in values:
        name = text_of(values.pop(f"Attribute {number} name"))
        value = values.pop(f"Attribute {number} value(s)", None)
        values.pop(f"Attribute {number} visible", None)
        values.pop(f"Attribute {number} global", None)
        if name and text_of(value):
            values[name if name not in values else f"attribute {name}"] = value
        number += 1
    return values
