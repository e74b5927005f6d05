"""What may stand behind the question mark of the routes that find products."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from indexer.search import (
    KEYWORD_WEIGHT,
    LikePart,
    Query,
    QueryPart,
    SearchMode,
    TextPart,
    colour_alone,
)
from search_api.service.errors import InvalidRequestError
from search_api.service.requests.colours import wanted_colour
from search_api.service.schemas import MAX_K, MAX_OFFSET, ColourText, FieldName, Text

__all__ = ["SimilarParameters", "TextParameters"]

_OBJECT = TypeAdapter(dict[str, Any])


def _word_or_boolean(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class _Parameters(BaseModel):
    k: int = Field(default=20, ge=1, le=MAX_K, description="How many hits.")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET, description="How many hits to skip.")
    fields: list[FieldName] | None = Field(
        default=None,
        max_length=1000,
        examples=[["title"]],
        description="A product field that the hits carry; repeatable, all by default. "
        "An empty name alone means none.",
    )
    filter: str | None = Field(
        default=None,
        max_length=4096,
        examples=['{"price": {"lt": 50}}'],
        description="Conditions that every hit meets, as in a search; JSON.",
    )
    min_confidence: float = Field(
        default=0.0, ge=0, le=1, description="Hits of less confidence are left out."
    )
    diversity: float = Field(default=0.0, ge=0, le=1, description="As in a search.")
    group: Annotated[bool | FieldName, BeforeValidator(_word_or_boolean)] = Field(
        default=False, examples=[True], description="As in a search: true, or a field's name."
    )

    tags: bool = Field(
        default=False, description="Tag the product that is asked about, or as in a search."
    )

    colour: ColourText | None = Field(
        default=None,
        examples=["#7b1e3a", "navy blue"],
        description="A colour that hits are to have, as in a search.",
    )
    colour_within: float | None = Field(
        default=None, gt=0, le=100, description="Only products of that colour are hits."
    )
    colour_share: float = Field(default=0.2, gt=0, le=1, description="As in a search.")
    colour_weight: float | None = Field(
        default=None, ge=0, le=1, description="How much nearness to the colour counts."
    )

    explain: bool = Field(default=False, description="As in a search.")

    def _query(self, part: QueryPart | None, **more: Any) -> Query:
        colour = wanted_colour(self)
        if part is None and colour is None:
            raise InvalidRequestError("q: give words, or a colour.")
        if part is None and colour is not None:
            part, colour = colour_alone(colour)
        assert part is not None
        return Query(
            parts=(part,),
            colour=colour,
            explain=self.explain,
            k=self.k,
            offset=self.offset,
            fields=None if self.fields is None else tuple(filter(None, self.fields)),
            filter=None if self.filter is None else _json_object("filter", self.filter),
            min_confidence=self.min_confidence,
            diversity=self.diversity,
            group=self.group,
            tags=self.tags,
            **more,
        )


class TextParameters(_Parameters):
    """Of a search by words alone."""

    q: Text | None = Field(
        default=None,
        description="The words; not needed where a colour is given.",
        examples=["red dress"],
    )
    mode: SearchMode = Field(
        default=SearchMode.VECTOR, description="What decides about the order of hits."
    )
    keyword_weight: float = Field(
        default=KEYWORD_WEIGHT, ge=0, le=1, description="The words' share in hybrid mode."
    )

    def query(self) -> Query:
        """The search.

        Raises:
            InvalidRequestError: There are neither words nor a colour, or the filter is no JSON
                object.
        """
        words = None if self.q is None else TextPart(self.q)
        return self._query(words, mode=self.mode, keyword_weight=self.keyword_weight)


class SimilarParameters(_Parameters):
    """Of more like a product."""

    def query(self, product_id: str) -> Query:
        """The search; errors as `TextParameters.query`."""
        return self._query(LikePart(product_id))


def _json_object(name: str, text: str) -> dict[str, Any]:
    try:
        return _OBJECT.validate_json(text)
    except ValidationError:
        raise InvalidRequestError(f"{name}: this is no JSON object.") from None
