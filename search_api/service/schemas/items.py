"""Answers about single products, and the paths of their images."""

from __future__ import annotations

from typing import Self
from urllib.parse import quote

from pydantic.dataclasses import dataclass

from indexer.index import Product
from search_api.client import Item

__all__ = ["ItemResponse", "image_path"]


@dataclass(frozen=True)
class ItemResponse(Item):
    """One product."""

    @classmethod
    def of(cls, product: Product) -> Self:
        """Convert an index's product."""
        images = tuple(image_path(product.id, number) for number in range(len(product.images)))
        return cls(product.id, product.fields, images)  # type: ignore[arg-type]  # as for Hit


def image_path(product_id: str, number: int) -> str:
    """Return the path of a product's image; `number` counts from 0."""
    return f"/v1/items/{quote(product_id, safe='')}/image/{number}"
