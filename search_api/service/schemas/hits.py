"""Answers of the routes that find products: hits, what explains them, facets and tags."""

from __future__ import annotations

from typing import Self
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field

from indexer.catalog import FieldValue, ShownValue
from indexer.index import Match
from indexer.search import Explanation, LikePart, Query, SearchResult, TextPart
from search_api.service.schemas.items import image_path
from search_api.service.schemas.tags import TagResponse

__all__ = ["ExplanationResponse", "Hit", "SearchResponse", "SharedColourResponse", "heat_path"]


class SharedColourResponse(BaseModel):
    """A colour that both the hit and the query have."""

    name: str = Field(examples=["navy blue"])
    colour: str = Field(examples=["#1f2a4d"], description="The hit's own shade of it.")
    share: float = Field(
        examples=[0.62], description="Share of the product that has the colour (0 to 1)."
    )


class ExplanationResponse(BaseModel):
    """Why a hit matched."""

    tags: dict[str, list[str]] = Field(
        examples=[{"type": ["dress"]}],
        description="Labels by group that the hit shares with the query's products and words, and "
        "with its pictures where tags is true.",
    )
    colours: list[SharedColourResponse] = Field(description="The greatest share first.")
    heatmap: str = Field(
        examples=["/v1/items/15970/heatmap?image=0&q=red%20dress"],
        description="Path of a PNG that shows which regions of the picture matched. GET it; or "
        "POST the same query there if it has a picture or parts.",
    )

    @classmethod
    def of(cls, explanation: Explanation, heatmap: str) -> Self:
        """Convert an engine's explanation."""
        tags: dict[str, list[str]] = {}
        for group, label in explanation.tags:
            tags.setdefault(group, []).append(label)
        colours = [
            SharedColourResponse(name=one.name, colour=one.colour, share=round(one.share, 3))
            for one in explanation.colours
        ]
        return cls(tags=tags, colours=colours, heatmap=heatmap)


class Hit(BaseModel):
    """A product that was found."""

    id: str = Field(examples=["15970"])
    score: float = Field(examples=[0.31], description="Cosine to the query, -1 to 1.")
    confidence: float | None = Field(
        default=None,
        examples=[0.92],
        description="Calibrated probability that the hit answers the query (0 to 1); null if an "
        "older version built the index.",
    )
    image: str = Field(
        examples=["/v1/items/15970/image/0"],
        description="Path of the product's best matching picture.",
    )
    fields: dict[str, ShownValue] = Field(examples=[{"title": "Red Cotton Dress", "price": 39.9}])
    grouped: list[str] = Field(
        default=[],
        examples=[["15971"]],
        description="With group: ids of the other products that this hit stands for; of very "
        "large groups, those found first.",
    )
    explanation: ExplanationResponse | None = Field(
        default=None, description="With explain: why the hit matched."
    )

    @classmethod
    def of(cls, match: Match, explanation: ExplanationResponse | None = None) -> Self:
        """Convert an engine's match."""
        return cls(
            id=match.id,
            score=round(match.score, 6),
            confidence=None if match.confidence is None else round(match.confidence, 4),
            image=image_path(match.id, match.image),
            fields=match.fields,
            grouped=list(match.grouped),
            explanation=explanation,
        )


class SearchResponse(BaseModel):
    """The hits, best first."""

    hits: list[Hit] = Field(description="Products, best first; in vector mode, nearest first.")
    total: int = Field(examples=[20], description="Number of hits in this answer.")
    facets: dict[str, list[tuple[FieldValue, int]]] = Field(
        default={},
        examples=[{"base_colour": [["Red", 41]]}],
        description="For each facet of the request, its values with their counts, most frequent "
        "first.",
    )
    tags: list[TagResponse] = Field(
        default=[],
        examples=[[{"label": "dress", "group": "type", "confidence": 0.97}]],
        description="With tags: tags of the query's pictures and liked products.",
    )
    generation: int = Field(examples=[7], description="The index generation that answered.")
    model: str = Field(examples=["compact"])
    took_ms: float = Field(examples=[6.1])

    @classmethod
    def of(cls, result: SearchResult, query: Query | None = None) -> Self:
        """Convert an engine's result; explanations need its query."""
        return cls(
            hits=_hits(result, query),
            total=len(result.hits),
            facets={name: list(counts) for name, counts in result.facets.items()},
            generation=result.generation,
            model=result.model,
            took_ms=round(result.took_ms, 2),
            tags=[TagResponse.of(tag) for tag in result.tags],
        )


def _hits(result: SearchResult, query: Query | None) -> list[Hit]:
    if query is None or not query.explain:
        return [Hit.of(match) for match in result.hits]
    return [
        Hit.of(match, ExplanationResponse.of(why, heat_path(match.id, match.image, query)))
        for match, why in zip(result.hits, result.explanations, strict=True)
    ]


def heat_path(product_id: str, number: int, query: Query) -> str:
    """Return the path of a picture's heat map for a query's words and products."""
    parameters: list[tuple[str, str | int]] = [("image", number)]
    for part in query.parts:
        if isinstance(part, TextPart):
            parameters.append(("q", part.text))
        elif isinstance(part, LikePart):
            parameters.append(("like", part.id))
    path = f"/v1/items/{quote(product_id, safe='')}/heatmap"
    return f"{path}?{urlencode(parameters, quote_via=quote)}"
