"""Field types of the API: bounds, descriptions and examples, for JSON bodies and query strings.

A JSON body takes JSON's own numbers alone, so it wraps numeric types in `Strictly`. A query string
holds nothing but text, so it uses them as they are.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
    Tag,
)

from indexer import QueryError
from indexer.retrieval import check_breadth
from indexer.search import KEYWORD_WEIGHT, Parse, SearchMode
from search_api.service.errors import UNION

__all__ = [
    "MAX_IMAGES",
    "MAX_K",
    "MAX_OFFSET",
    "MAX_PARTS",
    "ColourName",
    "ColourShare",
    "ColourText",
    "ColourWeight",
    "ColourWithin",
    "Diversity",
    "Facets",
    "FieldName",
    "Filter",
    "Fraction",
    "Group",
    "HitCount",
    "HitFields",
    "KeywordWeight",
    "MinConfidence",
    "Mode",
    "Number",
    "Offset",
    "OneOrSeveral",
    "ParseText",
    "ProductId",
    "RequestModel",
    "Strictly",
    "Text",
    "Url",
    "Whole",
    "boolean_or_name",
    "not_too_broad",
]

MAX_K = 1000
MAX_OFFSET = 10_000
MAX_PARTS = 32
MAX_IMAGES = 32
_MAX_NAME = 512  # characters of a field's name
_MAX_FIELDS = 1000
_DATA_PREFIX = 100  # characters of a data URL that are looked at, and kept
_MAX_FACETS = 32

T = TypeVar("T")


class RequestModel(BaseModel):
    """Base of request bodies: unknown fields and infinite numbers are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def boolean_or_name(value: object) -> object:
    """Refuse what is neither a boolean nor the name of a field.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(value, bool | str) or (isinstance(value, str) and len(value) > _MAX_NAME):
        raise ValueError("give true, false or a field's name")
    return value


def _integral(value: object) -> object:
    # JSON has one kind of number: 20.0 is the integer 20 (JSON Schema, 6.3).
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _short_data_url(value: object) -> object:
    # A data URL holds an image, so it is too long for a URL; what is left of it is refused by what
    # it is, and not by its length.
    if isinstance(value, str) and value[:_DATA_PREFIX].lstrip().lower().startswith("data:"):
        return value[:_DATA_PREFIX]
    return value


def not_too_broad(raw: dict[str, Any] | None) -> dict[str, Any] | None:
    """Refuse a filter of too many conditions.

    Raises:
        ValueError: It has too many.
    """
    # Checked with the body, so that a filter that is refused anyway holds no memory.
    if raw is not None:
        try:
            check_breadth(raw)
        except QueryError as error:
            raise ValueError(error.message.removeprefix("filter: ").rstrip(".")) from None
    return raw


Strictly = Annotated[T, Strict(), BeforeValidator(_integral)]
"""Refuses the text "5" and the value true where a number belongs."""

Whole = Strictly[int]
Number = Strictly[float]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
ProductId = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Url = Annotated[str, BeforeValidator(_short_data_url), StringConstraints(max_length=4096)]
FieldName = Annotated[str, StringConstraints(max_length=_MAX_NAME)]

# A message names what is wrong with the form that was given, and never the other one.
OneOrSeveral = Annotated[
    Annotated[T, Tag(f"{UNION}one")]
    | Annotated[list[T], Field(min_length=1, max_length=MAX_IMAGES), Tag(f"{UNION}several")],
    Discriminator(lambda given: f"{UNION}{'several' if isinstance(given, list) else 'one'}"),
]
ColourName = Annotated[str, StringConstraints(min_length=1, max_length=40)]

HitCount = Annotated[
    int, Field(ge=1, le=MAX_K, examples=[20], description="Number of hits to return.")
]
Offset = Annotated[
    int, Field(ge=0, le=MAX_OFFSET, examples=[0], description="Number of hits to skip.")
]
HitFields = Annotated[
    list[FieldName] | None,
    Field(
        max_length=_MAX_FIELDS,
        examples=[["title", "price"]],
        description="Product fields to return with each hit; all by default.",
    ),
]
Mode = Annotated[
    SearchMode | None,
    Field(
        examples=["hybrid"],
        description="What decides the order of hits: the vector of the whole query, the keywords "
        "of its texts of positive weight, or both (hybrid). By default hybrid where the catalog "
        "has texts, else vector.",
    ),
]
Facets = Annotated[
    list[str],
    Field(
        max_length=_MAX_FACETS,
        examples=[["base_colour"]],
        description="Fields whose values are counted over the products that match; each as if the "
        "filter had no condition on it.",
    ),
]
Filter = Annotated[
    dict[str, Any] | None,
    AfterValidator(not_too_broad),
    Field(
        examples=[{"base_colour": "Red", "price": {"gte": 10, "lt": 50}}],
        description="Conditions on product fields that every hit meets: a value, a list of values, "
        "or an object of gt, gte, lt, lte, prefix, exists, in, not; "
        '"and", "or" and "not" combine filters. At most 256 conditions, and 4,096 values in lists.',
    ),
]
MinConfidence = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        examples=[0.5],
        description="Minimum confidence of a hit (0 to 1). With 0.5, a query that nothing in the "
        "catalog matches gets no hits. k and offset count the hits that remain.",
    ),
]
Diversity = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        examples=[0.0],
        description="Strength of diversity re-ranking: how far hits that resemble earlier hits "
        "move down, from 0 (not at all) to 1 (most).",
    ),
]
Group = Annotated[
    bool | FieldName,
    BeforeValidator(boolean_or_name),
    Field(
        examples=[True, "style_id"],
        description="true: products with nearly the same image become one hit, the best of them. "
        "A field's name: products with the same value of that field become one hit. k and offset "
        "count groups.",
    ),
]
KeywordWeight = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        examples=[KEYWORD_WEIGHT],
        description="Weight of the keywords in hybrid mode; the vector has the rest.",
    ),
]
ParseText = Annotated[
    Parse,
    Field(
        examples=["show"],
        description="What is done with the words of texts. show: words after without, not, no or a "
        "minus sign are excluded, quoted text is taken as it is, and the answer shows it in "
        "understood. off: texts are searched for as they are.",
    ),
]
ColourText = Annotated[
    ColourName | None,
    Field(
        examples=["#7b1e3a", "navy blue"],
        description="Colour to look for, as #rrggbb or by its name; products nearest to it come "
        "first. Without any other query, finds products of this colour.",
    ),
]
ColourWithin = Annotated[
    float | None,
    Field(
        gt=0,
        le=100,
        examples=[12],
        description="Maximum distance between the colour and a product's colour (CIEDE2000): 1 is "
        "barely visible, 10 is a clearly different shade.",
    ),
]
ColourShare = Annotated[
    float,
    Field(
        gt=0,
        le=1,
        examples=[0.2],
        description="With colour_within: minimum share of the product that has the colour.",
    ),
]
ColourWeight = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        examples=[0.5],
        description="Weight of the colour's distance in the order of hits (0 to 1); by default "
        "0.5, or 0 with colour_within.",
    ),
]
