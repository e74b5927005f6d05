"""Query-string parameters of the GET routes that find products."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from indexer.search import (
    KEYWORD_WEIGHT,
    LikePart,
    Parse,
    Query,
    QueryPart,
    TextPart,
    sort_key,
)
from search_api.service.errors import InvalidRequestError
from search_api.service.requests.colours import wanted_colour
from search_api.service.schemas import (
    Collapse,
    ColourShare,
    ColourText,
    ColourWeight,
    ColourWithin,
    Diversity,
    Facets,
    Group,
    GroupBy,
    HitCount,
    HitFields,
    KeywordWeight,
    MinConfidence,
    Mode,
    Offset,
    ParseText,
    SortWords,
    Text,
)

__all__ = ["SimilarParameters", "TextParameters"]

_OBJECT = TypeAdapter(dict[str, Any])


def _boolean_of_word(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class _Parameters(BaseModel):
    k: HitCount = 20
    offset: Offset = 0
    fields: HitFields = Field(
        default=None,
        examples=[["title"]],
        description="Product field to return with each hit; repeatable, all by default. "
        "A single empty name means none.",
    )
    filter: str | None = Field(
        default=None,
        max_length=4096,
        examples=['{"price": {"lt": 50}}'],
        description="Conditions that every hit meets, as in a search; JSON.",
    )
    min_confidence: MinConfidence = 0.0
    diversity: Diversity = 0.0
    group: Annotated[Group, BeforeValidator(_boolean_of_word)] = False
    sort: SortWords = Field(default=[])
    group_by: GroupBy = None
    collapse: Annotated[Collapse, BeforeValidator(_boolean_of_word)] = False
    tags: bool = Field(default=False, description="As in a search; tags the product, if any.")
    colour: ColourText = None
    colour_within: ColourWithin = None
    colour_share: ColourShare = 0.2
    colour_weight: ColourWeight = None
    explain: bool = Field(default=False, description="As in a search.")

    def _query(self, part: QueryPart | None, **more: Any) -> Query:
        colour = wanted_colour(self)
        return Query(
            parts=() if part is None else (part,),
            colour=colour,
            explain=self.explain,
            k=self.k,
            offset=self.offset,
            fields=None if self.fields is None else tuple(filter(None, self.fields)),
            filter=None if self.filter is None else _json_object("filter", self.filter),
            min_confidence=self.min_confidence,
            diversity=self.diversity,
            group=self.group,
            sort=tuple(map(sort_key, self.sort)),
            group_by=self.group_by,
            collapse=self.collapse,
            tags=self.tags,
            **more,
        )


class TextParameters(_Parameters):
    """Parameters of a search by words alone."""

    q: Text | None = Field(
        default=None,
        description="The words; without words and colour, all products that pass the filter are "
        "listed.",
        examples=["red dress"],
    )
    mode: Mode = None
    keyword_weight: KeywordWeight = KEYWORD_WEIGHT
    facets: Facets = Field(
        default=[],
        examples=[["base_colour"]],
        description="Field whose values are counted, as in a search; repeatable.",
    )
    parse: ParseText = Parse.SHOW

    def query(self) -> Query:
        """Return the engine's query.

        Raises:
            InvalidRequestError: The filter is not a JSON object.
        """
        words = None if self.q is None else TextPart(self.q)
        return self._query(
            words,
            mode=self.mode,
            keyword_weight=self.keyword_weight,
            facets=tuple(filter(None, self.facets)),
            parse=self.parse,
        )


class SimilarParameters(_Parameters):
    """Parameters of a search for products similar to one."""

    def query(self, product_id: str) -> Query:
        """Return the engine's query; errors as for `TextParameters.query`."""
        return self._query(LikePart(product_id))


def _json_object(name: str, text: str) -> dict[str, Any]:
    try:
        return _OBJECT.validate_json(text)
    except ValidationError:
        raise InvalidRequestError(
            f"{name}: this is not a JSON object; write it as "
            '{"colour": "red", "price": {"lt": 50}}, quoted for a URL.'
        ) from None
