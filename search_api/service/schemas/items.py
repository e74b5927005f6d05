"""Answers about single products, and the paths of their pictures."""

from __future__ import annotations

from typing import Self
from urllib.parse import quote

from pydantic import BaseModel, Field

from indexer.catalog import ShownValue
from indexer.index import Product

__all__ = ["ItemResponse", "image_path"]


class ItemResponse(BaseModel):
    """One product."""

    id: str = Field(examples=["15970"])
    fields: dict[str, ShownValue] = Field(examples=[{"title": "Red Cotton Dress"}])
    images: list[str] = Field(examples=[["/v1/items/15970/image/0"]])

    @classmethod
    def of(cls, product: Product) -> Self:
        """Convert an index's product."""
        images = [image_path(product.id, number) for number in range(len(product.images))]
        return cls(id=product.id, fields=product.fields, images=images)


def image_path(product_id: str, number: int) -> str:
    """Return the path of a product's picture; `number` counts from 0."""
    return f"/v1/items/{quote(product_id, safe='')}/image/{number}"
