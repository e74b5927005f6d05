"""Variants of a product: which images and which id each of them gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.catalog.feeds.feed_table import GROUP
from indexer.catalog.tables import Record

__all__ = ["IMAGES", "Variant", "variant_records"]

IMAGES = "images"
"""The column of a variant's images."""

_DEFAULT = "default title"  # what Shopify calls the only variant of a product


@dataclass
class Variant:
    """One variant of a product.

    Attributes:
        line: Where it is in the file.
        sku: Its own article number, or the empty text.
        options: Its values by the names of the options, such as `{"Size": "M"}`.
        image: Its own image, or the empty text.
        fields: Its own fields.
    """

    line: int
    sku: str
    options: dict[str, str]
    image: str
    fields: dict[str, object] = field(default_factory=dict)


def variant_records(
    group: str, shared: dict[str, object], variants: Sequence[Variant], gallery: Sequence[str]
) -> list[Record]:
    """Return a record for each variant of a product.

    A variant has its own image first, then those of the product that are no other variant's own.
    Its id is its SKU; without one, or if it is another variant's too, the product's name in
    addresses with the values of the options.

    Args:
        group: What all variants share: the product's name in addresses, or its id.
        shared: The product's fields.
        variants: One or more.
        gallery: The product's images in their order.
    """
    skus = [variant.sku for variant in variants]
    own = {variant.image for variant in variants if variant.image}
    records = []
    for variant in variants:
        common = [image for image in gallery if image not in own]
        images = [variant.image, *common] if variant.image else common or list(gallery)
        chosen = [text for text in variant.options.values() if text.lower() != _DEFAULT]
        product_id = variant.sku
        if not product_id or skus.count(product_id) > 1:
            product_id = "/".join([group, *chosen])
        values: dict[str, object] = {**shared, **variant.fields}
        for name, text in variant.options.items():
            if text and text.lower() != _DEFAULT:
                values[name if name not in values else f"option {name}"] = text
        values |= {"id": product_id, IMAGES: images, GROUP: group}
        records.append(Record(variant.line, values))
    return records
