"""Answers about single products, and completions of what is typed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

from pydantic import BaseModel, Field
from pydantic.dataclasses import dataclass

from indexer.index import Product
from indexer.retrieval import Completion, CompletionKind
from search_api.client import Item
from search_api.service.schemas.links import Links

__all__ = ["ItemResponse", "SuggestResponse", "SuggestionResponse"]


@dataclass(frozen=True)
class ItemResponse(Item):
    """One product."""

    @classmethod
    def of(cls, product: Product, links: Links) -> Self:
        """Convert an index's product."""
        images = tuple(links.image(product.id, number) for number in range(len(product.images)))
        return cls(product.id, product.fields, images)  # type: ignore[arg-type]  # as for Hit


class SuggestionResponse(BaseModel):
    """A text that completes what was typed."""

    text: str = Field(examples=["red dress"])
    kind: CompletionKind = Field(
        examples=["title"], description="A field's value, a tag, or a product's title."
    )
    field: str | None = Field(
        examples=["base_colour"], description="The field of a value or tag; null for a title."
    )
    id: str | None = Field(examples=["15970"], description="The product of a title; else null.")
    count: int = Field(examples=[41], description="Products that have it.")


class SuggestResponse(BaseModel):
    """Completions of a text, best first."""

    suggestions: list[SuggestionResponse] = Field(description="Each text once, best first.")
    generation: int = Field(examples=[7], description="The index generation that answered.")

    @classmethod
    def of(cls, completions: list[Completion], generation: int) -> Self:
        """Convert an index's completions."""
        suggestions = [SuggestionResponse(**asdict(one)) for one in completions]
        return cls(suggestions=suggestions, generation=generation)
