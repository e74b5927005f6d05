"""Requests and answers of writes, field by field."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, Field

from indexer.build.live import Receipt, Result
from search_api.service.schemas import MAX_IMAGES, OneOrSeveral, RequestModel, Url, Whole

__all__ = ["PatchItemRequest", "PutItemRequest", "WriteResponse"]

_MAX_VERSION = 2**63 - 1
_VERSION: Any = Field(
    default=None,
    ge=1,
    le=_MAX_VERSION,
    examples=[7],
    description="The product's version after the write, higher than every one before; an older one "
    "gets 409. By default the next one.",
)


class PutItemRequest(RequestModel):
    """A product: its fields and its images."""

    fields: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"title": "Red canvas shoe", "price": 39.9}],
        description="All fields of the product; each value must fit the type of its field.",
    )
    image_base64: OneOrSeveral[str] | None = Field(
        default=None,
        description=f"An image file in base64, or a list of up to {MAX_IMAGES}, instead of "
        "uploaded files.",
    )
    image_url: OneOrSeveral[Url] | None = Field(
        default=None,
        examples=["https://shop.example/shoe.jpg"],
        description="The URL of an image, or a list of them, if the service allows URLs.",
    )
    version: Whole | None = _VERSION


class PatchItemRequest(RequestModel):
    """Fields of a product that change; the others stay."""

    fields: dict[str, Any] = Field(
        min_length=1,
        examples=[{"price": 29.9}],
        description="Fields with their new values; null removes a field.",
    )
    version: Whole | None = _VERSION


class WriteResponse(BaseModel):
    """A write that is durable."""

    id: str = Field(examples=["15970"])
    version: int = Field(examples=[7], description="The product's version now.")
    result: Result = Field(
        examples=["updated"],
        description="`unchanged` if the same write with the same version came before.",
    )
    searchable: bool = Field(
        examples=[True],
        description="Whether searches find it already; at the latest a second later, unless the "
        "index is being built.",
    )

    @classmethod
    def of(cls, receipt: Receipt, *, searchable: bool) -> Self:
        """Convert a receipt."""
        return cls(
            id=receipt.id, version=receipt.version, result=receipt.result, searchable=searchable
        )
