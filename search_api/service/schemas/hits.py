"""Answers of the routes that find products: hits with explanations, facets and tags."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Literal, Self

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from indexer.index import HitColour as EngineHitColour
from indexer.index import Match
from indexer.search import Explanation as EngineExplanation
from indexer.search import Query
from indexer.search import SearchResult as EngineResult
from search_api.client import (
    AskedColour,
    Explanation,
    HitColour,
    MatchedLine,
    ObjectHits,
    SearchResult,
    SharedColour,
    Understood,
)
from search_api.client import Hit as ClientHit
from search_api.service.schemas.links import Links
from search_api.service.schemas.tags import TagResponse

__all__ = [
    "AskedColourResponse",
    "ExplanationResponse",
    "Hit",
    "HitColourResponse",
    "ObjectHitsResponse",
    "SearchResponse",
    "SharedColourResponse",
    "UnderstoodResponse",
]


@dataclass(frozen=True)
class SharedColourResponse(SharedColour):
    """A colour that both the hit and the query have."""


@dataclass(frozen=True)
class HitColourResponse(HitColour):
    """A colour of a hit's picture, measured without the background."""

    @classmethod
    def of(cls, colour: EngineHitColour) -> Self:
        """Convert an engine's colour."""
        away = colour.difference
        rounded = None if away is None else round(away, 1)
        return cls(colour.name, colour.colour, round(colour.share, 3), rounded)


@dataclass(frozen=True)
class AskedColourResponse(AskedColour):
    """What the colour of a query was taken for."""


@dataclass(frozen=True)
class ExplanationResponse(Explanation):
    """Why a hit matched."""

    colours: tuple[SharedColourResponse, ...] = Field(description="The greatest share first.")

    @classmethod
    def of(cls, explanation: EngineExplanation, heatmap: str | None) -> Self:
        """Convert an engine's explanation."""
        tags: dict[str, tuple[str, ...]] = {}
        for group, label in explanation.tags:
            tags[group] = (*tags.get(group, ()), label)
        colours = tuple(
            SharedColourResponse(one.name, one.colour, round(one.share, 3))
            for one in explanation.colours
        )
        lines = tuple(
            MatchedLine(line.words, line.text, line.image, line.box) for line in explanation.words
        )
        return cls(tags, colours, heatmap, lines)


@dataclass(frozen=True, kw_only=True)
class Hit(ClientHit):
    """A product that was found."""

    explanation: ExplanationResponse | None = Field(
        default=None, description="With explain: why the hit matched."
    )
    colours: tuple[HitColourResponse, ...] = Field(
        default=(),
        description="With colour: the colours of the picture, the greatest share first.",
    )

    @classmethod
    def of(cls, match: Match, links: Links, explanation: ExplanationResponse | None = None) -> Self:
        """Convert an engine's match."""
        return cls(
            id=match.id,
            score=None if isnan(match.score) else round(match.score, 6),
            confidence=None if match.confidence is None else round(match.confidence, 4),
            image=links.image(match.id, match.image),
            fields=match.fields,  # type: ignore[arg-type]  # pydantic makes lists tuples
            grouped=match.grouped,
            explanation=explanation,
            colours=tuple(HitColourResponse.of(colour) for colour in match.colours),
        )


@dataclass(frozen=True)
class UnderstoodResponse(Understood):
    """How the texts of a query were read."""


@dataclass(frozen=True, kw_only=True)
class ObjectHitsResponse(ObjectHits):
    """An item in the query's image, and the products found for it."""

    hits: tuple[Hit, ...] = Field(description="Products for this item, best first.")


@dataclass(frozen=True, kw_only=True)
class SearchResponse(SearchResult):
    """The hits, best first."""

    hits: tuple[Hit, ...] = Field(
        description="Products, best first; in vector mode, nearest first. None if nothing matches."
    )
    total_relation: Literal["exact", "at_least"] = Field(
        default="exact",
        examples=["exact"],
        description="exact; or at_least, if so many were looked at that there may be more.",
    )
    suggestions: tuple[Hit, ...] = Field(
        default=(), description="With no_match: the nearest products all the same."
    )
    objects: tuple[ObjectHitsResponse, ...] = Field(
        default=(),
        description="With items: the items in the query's image, the surest first, each with hits "
        "of its own. The hits above are those of the whole image.",
    )
    tags: tuple[TagResponse, ...] = Field(
        default=(),
        examples=[[{"label": "dress", "group": "type", "confidence": 0.97}]],
        description="With tags: tags of the query's images and liked products.",
    )
    colour: AskedColourResponse | None = Field(
        default=None, description="With colour: the colour that was looked for."
    )

    understood: UnderstoodResponse | None = Field(
        default=None,
        description="How the query's texts were read; null without texts, or with parse off.",
    )

    @classmethod
    def of(cls, result: EngineResult, links: Links, query: Query | None = None) -> Self:
        """Convert an engine's result; explanations need its query."""
        found = _hits(result.suggestions if result.no_match else result.hits, result, links, query)
        return cls(
            hits=() if result.no_match else found,
            total=result.total,
            total_relation="exact" if result.exact else "at_least",
            no_match=result.no_match,
            suggestions=found if result.no_match else (),
            facets={name: tuple(counts) for name, counts in result.facets.items()},
            colour=None
            if result.colour is None
            else AskedColourResponse(result.colour.name, result.colour.hex),
            generation=result.generation,
            model=result.model,
            took_ms=round(result.took_ms, 2),
            tags=tuple(TagResponse.of(tag) for tag in result.tags),
            adapted=result.adapted,
            understood=_understood(result),
        )

    def json(self) -> bytes:
        """Return the body of the HTTP answer."""
        return _ADAPTER.dump_json(self)


_ADAPTER = TypeAdapter(SearchResponse)


def _understood(result: EngineResult) -> UnderstoodResponse | None:
    if result.understood is None:
        return None
    return UnderstoodResponse(result.understood.kept, result.understood.excluded)


def _hits(
    matches: Sequence[Match], result: EngineResult, links: Links, query: Query | None
) -> tuple[Hit, ...]:
    # Without parts and colours there is nothing that a hit could share.
    listed = query is None or not (query.parts or query.by_colour_alone)
    if query is None or not query.explain or listed:
        return tuple(Hit.of(match, links) for match in matches)
    return tuple(
        Hit.of(
            match,
            links,
            ExplanationResponse.of(why, links.heat_map(match.id, match.image, query)),
        )
        for match, why in zip(matches, result.explanations, strict=True)
    )
