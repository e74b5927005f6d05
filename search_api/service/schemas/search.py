"""Bodies of the routes that find products: a search, its weighted parts, and recommendations."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from indexer.search import KEYWORD_WEIGHT, Fusion, Parse
from search_api.service.schemas.arrangement import Boosts, Choices, Collapse, GroupBy, Sort
from search_api.service.schemas.conditions import exactly_one, not_both, one_or_more, only_with
from search_api.service.schemas.fields import (
    MAX_IMAGES,
    MAX_PARTS,
    ColourName,
    ColourShare,
    ColourText,
    ColourWeight,
    ColourWithin,
    Diversity,
    Facets,
    Filter,
    Fraction,
    Group,
    HitCount,
    HitFields,
    KeywordWeight,
    MinConfidence,
    Mode,
    Number,
    Offset,
    ParseText,
    ProductId,
    RequestModel,
    Strictly,
    Text,
    Url,
)

__all__ = ["EmbedRequest", "PartRequest", "RecommendRequest", "SearchRequest"]

_MAX_SEEDS = 100


_ONE_OF = ("text", "image_base64", "image_url", "like", "colour", "vector")
_MAX_DIM = 8192
_MAX_TEXTS = 64


_Region = Annotated[
    tuple[Fraction, Fraction, Fraction, Fraction],
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "number", "minimum": 0, "maximum": 1},
            "minItems": 4,
            "maxItems": 4,
        }
    ),
]


class PartRequest(RequestModel):
    """One weighted part: one of text, image_base64, image_url, like, colour and vector."""

    text: Text | None = Field(default=None, examples=["long sleeves"])
    image_base64: str | None = Field(
        default=None, description="An image file in base64, or a data URL."
    )
    image_url: Url | None = Field(
        default=None, examples=["https://shop.example/dress.jpg"], description="An image's URL."
    )
    like: ProductId | None = Field(default=None, examples=["15970"], description="A product's id.")
    colour: ColourName | None = Field(
        default=None,
        examples=["navy blue"],
        description="A colour, as #rrggbb or by its name. Parts of a colour count for the order "
        "of hits beside the colour of the search.",
    )
    vector: list[Number] | None = Field(
        default=None,
        min_length=1,
        max_length=_MAX_DIM,
        description="A vector from POST /v1/embed, of any length but 0.",
    )
    weight: Number = Field(
        default=1.0, ge=-10, le=10, examples=[-0.4], description="A negative weight pushes away."
    )

    model_config = ConfigDict(json_schema_extra=exactly_one(_ONE_OF))

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in _ONE_OF) != 1:
            raise ValueError(f"give exactly one of {', '.join(_ONE_OF[:-1])} and {_ONE_OF[-1]}")
        return self


class SearchRequest(RequestModel):
    """A search; text, image, liked products and parts combine into one query by weight.

    Without any of them, and without a colour, all products that pass the filter are listed in the
    catalog's order.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                only_with("colour", ("colour_within", "colour_weight")),
                not_both("items", "region"),
            ]
        }
    )

    text: Text | None = Field(default=None, examples=["red summer dress"])
    image_base64: str | None = Field(
        default=None,
        description="An image file in base64 or as a data URL, instead of an uploaded file. Line "
        "breaks, blanks, the URL-safe alphabet and missing padding are accepted.",
    )
    image_url: Url | None = Field(
        default=None,
        examples=["https://shop.example/dress.jpg"],
        description="An image's http or https URL; refused unless the service was started with "
        "--allow-url-fetch or --url-host.",
    )
    region: _Region | None = Field(
        default=None,
        examples=[[0.1, 0.2, 0.8, 0.9]],
        description="Part of the query image to search with: left, top, right and bottom as "
        "fractions of its width and height. Images in parts are used whole. Without a query "
        "image, a part of the first image of the one product in like.",
    )
    items: Literal["auto"] | None = Field(
        default=None,
        examples=["auto"],
        description="auto finds the items in the query image, and searches for each of them, with "
        "the rest of the query. Not with a region; of several images, in the first.",
    )
    like: list[ProductId] = Field(
        default=[],
        max_length=MAX_PARTS,
        examples=[["15970"]],
        description="Ids of products to resemble; they are left out of the hits.",
    )
    parts: list[PartRequest] = Field(
        default=[],
        max_length=MAX_PARTS,
        examples=[[{"text": "floral", "weight": 0.5}, {"text": "long sleeves", "weight": -0.4}]],
    )
    k: Strictly[HitCount] = 20
    offset: Strictly[Offset] = 0
    fields: HitFields = None
    filter: Filter = None
    mode: Mode = None
    keyword_weight: Strictly[KeywordWeight] = KEYWORD_WEIGHT
    fusion: Fusion = Field(
        default=Fusion.SCORES,
        examples=["scores"],
        description="How hybrid mode combines the two: by their scores, or by ranks alone "
        "(reciprocal rank fusion).",
    )
    parse: ParseText = Parse.SHOW
    facets: Facets = Field(default=[])
    tags: bool = Field(
        default=False,
        strict=True,
        examples=[True],
        description="Tag the query's images and liked products by the index's taxonomy, or by "
        "the built-in one. A query of words alone gets no tags.",
    )
    min_confidence: Strictly[MinConfidence] = 0.0
    diversity: Strictly[Diversity] = 0.0
    group: Group = False
    sort: Sort = Field(default=[])
    boost: Boosts = Field(default=[])
    pin: Choices = Field(
        default=[],
        description="Products that come first, in this order, if they pass the filter: an id, or "
        "a filter for all likely products that pass it.",
    )
    bury: Choices = Field(
        default=[], description="Products that come last: an id, or a filter for all that pass it."
    )
    group_by: GroupBy = None
    collapse: Collapse = False
    explain: bool = Field(
        default=False,
        strict=True,
        examples=[True],
        description="Return with each hit the tags and colours that it shares with the query, and "
        "the path of a heat map.",
    )
    colour: ColourText = None
    colour_within: Strictly[ColourWithin] = None
    colour_share: Strictly[ColourShare] = 0.2
    colour_weight: Strictly[ColourWeight] = None

    @model_validator(mode="after")
    def _region_has_an_area(self) -> Self:
        if self.region is not None:
            left, top, right, bottom = self.region
            if left >= right or top >= bottom:
                raise ValueError("region: give left, top, right and bottom, in this order")
            if self.items is not None:
                raise ValueError("items: the whole image is looked into; give no region")
        return self


class EmbedRequest(RequestModel):
    """Texts and images to embed."""

    texts: list[Text] = Field(
        default=[], max_length=_MAX_TEXTS, examples=[["red summer dress", "blue jeans"]]
    )
    image_base64: list[str] = Field(
        default=[], max_length=MAX_IMAGES, description="Image files in base64, or data URLs."
    )

    model_config = ConfigDict(json_schema_extra=one_or_more(("texts", "image_base64")))

    @model_validator(mode="after")
    def _something_to_embed(self) -> Self:
        if not self.texts and not self.image_base64:
            raise ValueError("texts: give texts, image_base64 or both")
        return self


class RecommendRequest(RequestModel):
    """Products to start from: liked ones, and disliked ones."""

    liked: list[ProductId] = Field(
        min_length=1,
        max_length=_MAX_SEEDS,
        examples=[["15970", "39386"]],
        description="Ids of liked products; neither these nor the disliked are hits.",
    )
    disliked: list[ProductId] = Field(
        default=[],
        max_length=_MAX_SEEDS,
        examples=[["59263"]],
        description="Ids of disliked products; hits stay away from them.",
    )
    k: Strictly[HitCount] = 20
    filter: Filter = None
    fields: HitFields = None
    diversity: Strictly[Diversity] = 0.0
