"""Fields of a search that arrange hits: order, boosts, products chosen by the shop, variants."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from indexer.search import Boost, BoostFunction, SortKey
from search_api.service.schemas.fields import (
    FieldName,
    Number,
    ProductId,
    RequestModel,
    boolean_or_name,
    not_too_broad,
)

__all__ = [
    "BoostRequest",
    "Boosts",
    "Choices",
    "Collapse",
    "GroupBy",
    "Sort",
    "SortRequest",
    "SortWords",
]

_MAX_KEYS = 8
_MAX_CHOICES = 100


class SortRequest(RequestModel):
    """A field that decides the order of hits."""

    field: FieldName = Field(examples=["price"])
    order: Literal["asc", "desc"] = Field(default="asc", examples=["asc"])

    def key(self) -> SortKey:
        """Return the engine's form."""
        return SortKey(self.field, self.order == "desc")


class BoostRequest(RequestModel):
    """A field whose greater values move hits up, within bounds."""

    field: FieldName = Field(
        examples=["stock"], description="A field of numbers, dates or booleans."
    )
    function: BoostFunction = Field(
        default=BoostFunction.LINEAR,
        examples=["log"],
        description="log for values of many sizes, such as a stock; else linear.",
    )
    weight: Number = Field(
        default=0.2,
        ge=-1,
        le=1,
        examples=[0.2],
        description="1 makes the greatest value count twice as much as none; a negative weight "
        "moves hits down.",
    )

    def boost(self) -> Boost:
        """Return the engine's form."""
        return Boost(self.field, self.function, self.weight)


Sort = Annotated[
    list[SortRequest],
    Field(
        max_length=_MAX_KEYS,
        examples=[[{"field": "price", "order": "asc"}]],
        description="Order of the products that match, by one field or several; relevance decides "
        "ties. Products without a value come last.",
    ),
]
SortWords = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=600)]],
    Field(
        max_length=_MAX_KEYS,
        examples=[["price:asc"]],
        description="Field to sort by, followed by :asc or :desc; repeatable.",
    ),
]
Boosts = Annotated[
    list[BoostRequest],
    Field(
        max_length=_MAX_KEYS,
        examples=[[{"field": "stock", "function": "log", "weight": 0.2}]],
        description="Fields that move hits up or down. What is twice as likely to be right stays "
        "ahead.",
    ),
]
Choices = Annotated[
    list[ProductId | Annotated[dict[str, Any], AfterValidator(not_too_broad)]],
    Field(max_length=_MAX_CHOICES, examples=[["15970", {"brand": "Nike"}]]),
]
GroupBy = Annotated[
    FieldName | None,
    Field(
        examples=["brand"],
        description="Products with the same value of this field become one hit.",
    ),
]
Collapse = Annotated[
    bool | FieldName,
    BeforeValidator(boolean_or_name),
    Field(
        examples=[True],
        description="true: the variants of a product, as feeds name them, become one hit. A "
        "field's name: products with the same value of that field do.",
    ),
]
