"""Shopify's `products.json`: products with lists of variants and images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from indexer.catalog.feeds.feed_table import FeedTable, text_of
from indexer.catalog.feeds.variants import IMAGES, Variant, variant_records
from indexer.catalog.tables import BrokenRecord, Record, Roles, Table

__all__ = ["ShopifyJson", "is_shopify_json"]

_LEFT_OUT = frozenset({"variants", "images", "image", "options", "media"})
_OF_VARIANTS = frozenset({"price", "compare_at_price", "barcode", "grams", "available", "sku",
                          "inventory_quantity"})  # fmt: skip


_AMOUNTS = frozenset({"price", "compare_at_price"})


def is_shopify_json(values: Mapping[str, object]) -> bool:
    """Whether a record is a product of Shopify."""
    return all(isinstance(values.get(name), list) for name in ("variants", "images")) and (
        "handle" in values
    )


class ShopifyJson(FeedTable):
    """Products of Shopify; every variant is a record.

    Args:
        table: One record a product.
    """

    roles = Roles("id", (IMAGES,))

    def __init__(self, table: Table) -> None:
        super().__init__(table, "Shopify products")

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        for record in self._table.records():
            if isinstance(record, BrokenRecord) or not is_shopify_json(record.values):
                yield record
            else:
                yield from _product(record.line, record.values)


def _product(line: int, values: Mapping[str, Any]) -> list[Record]:
    images = sorted(_objects(values["images"]), key=lambda image: _number(image.get("position")))
    names = [text_of(option.get("name")) for option in _objects(values.get("options"))]
    shared = {name: value for name, value in values.items() if name not in _LEFT_OUT}
    shared["product_id"] = shared.pop("id", None)
    variants = [
        Variant(
            line,
            text_of(variant.get("sku")),
            {
                name or f"option{number}": text_of(variant.get(f"option{number}"))
                for number, name in enumerate(names[:3], start=1)
                if variant.get(f"option{number}")
            },
            _own_image(variant, images),
            {
                name: _amount(variant[name]) if name in _AMOUNTS else variant[name]
                for name in _OF_VARIANTS
                if variant.get(name) is not None
            },
        )
        for variant in _objects(values["variants"])
    ]
    gallery = [text_of(image.get("src")) for image in images if image.get("src")]
    return variant_records(
        text_of(values.get("handle")), shared, variants or [Variant(line, "", {}, "")], gallery
    )


def _own_image(variant: Mapping[str, Any], images: list[Mapping[str, Any]]) -> str:
    featured = variant.get("featured_image")
    if isinstance(featured, dict):
        return text_of(featured.get("src"))
    for image in images:
        ids = image.get("variant_ids")
        if (isinstance(ids, list) and variant.get("id") in ids) or (
            variant.get("image_id") is not None and image.get("id") == variant.get("image_id")
        ):
            return text_of(image.get("src"))
    return ""


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _amount(value: object) -> object:
    """Return a price, which Shopify writes as text, as a number."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else float("inf")
