"""Answers of the service as frozen dataclasses, which the service's own schemas extend.

Fields that a newer service adds are ignored. Fields that an older service lacks have defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from search_api.client.describing import Explanation, Understood
from search_api.client.errors import ServiceError, UnexpectedAnswerError, service_error

__all__ = [
    "AskedColour",
    "BatchAnswers",
    "DetectedObject",
    "EmbedResult",
    "ErrorAnswer",
    "FieldValue",
    "Hit",
    "HitColour",
    "IndexInfo",
    "Item",
    "ObjectHits",
    "SearchResult",
    "Tag",
    "TagBatch",
    "TagResult",
    "parse",
]

_PlainValue = str | int | float | bool | None

FieldValue = _PlainValue | tuple[str, ...] | tuple[float, ...]
"""A product field's value; None if the product has none, several if the field holds lists."""

T = TypeVar("T")


@dataclass(frozen=True)
class Tag:
    """A label given to an image."""

    label: str = Field(examples=["dress"])
    group: str = Field(
        examples=["type"], description="The taxonomy's group; label for the caller's own labels."
    )
    confidence: float = Field(
        examples=[0.97],
        description="Probability that the label is right (0 to 1); among the caller's labels, "
        "relative to the others.",
    )


@dataclass(frozen=True)
class HitColour:
    """A colour of a hit's picture, measured without the background."""

    name: str = Field(examples=["orange"])
    colour: str = Field(examples=["#e07b2f"])
    share: float = Field(examples=[0.62], description="Share of the product (0 to 1).")
    difference: float | None = Field(
        examples=[4.1],
        description="Difference from the colour that was asked for (CIEDE2000): 1 is barely "
        "visible, 10 is a clearly different shade; null for multicoloured.",
    )


@dataclass(frozen=True)
class AskedColour:
    """What the colour of a query was taken for."""

    name: str | None = Field(
        examples=["orange"], description="The name; null for a colour that was given as #rrggbb."
    )
    colour: str | None = Field(
        examples=["#ea8043"],
        description="The point that hits are near to; null for multicoloured.",
    )


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A product that was found."""

    id: str = Field(examples=["15970"])
    score: float | None = Field(
        examples=[0.31],
        description="Cosine to the query, -1 to 1; null if there was nothing to compare. By a "
        "colour alone, how well the product matches it, 0 to 1.",
    )
    confidence: float | None = Field(
        default=None,
        examples=[0.92],
        description="Calibrated probability that the hit answers the query (0 to 1); null if an "
        "older version built the index, or there was nothing to compare.",
    )
    image: str = Field(
        examples=["/v1/items/15970/image/0"],
        description="Path of the product's best matching image.",
    )
    fields: Mapping[str, FieldValue] = Field(
        examples=[{"title": "Red Cotton Dress", "price": 39.9}]
    )
    grouped: tuple[str, ...] = Field(
        default=(),
        examples=[["15971"]],
        description="With group: ids of the other products that this hit stands for; of very "
        "large groups, those found first.",
    )
    explanation: Explanation | None = Field(
        default=None, description="With explain: why the hit matched."
    )
    colours: tuple[HitColour, ...] = Field(
        default=(),
        description="With colour: the colours of the picture, the greatest share first.",
    )

    @property
    def image_number(self) -> int:
        """Number of the product's best matching image, as `item_image` takes it."""
        return int(self.image.rpartition("/")[2])


@dataclass(frozen=True, kw_only=True)
class DetectedObject:
    """An item in an image."""

    box: tuple[float, float, float, float] = Field(
        examples=[[0.35, 0.47, 0.62, 0.9]],
        description="Left, top, right and bottom as fractions of the image's sides (0 to 1); as "
        "region of a search.",
    )
    label: str | None = Field(
        examples=["chair"],
        description="Its type by the taxonomy retail; null where the model is not sure.",
    )
    confidence: float = Field(
        examples=[0.44], description="The detector's own score (0 to 1); not a probability."
    )


@dataclass(frozen=True, kw_only=True)
class ObjectHits(DetectedObject):
    """An item in the query's image, and the products found for it."""

    hits: tuple[Hit, ...] = Field(description="Products for this item, best first.")


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The hits of one query, best first."""

    hits: tuple[Hit, ...] = Field(
        description="Products, best first; in vector mode, nearest first. None if nothing matches."
    )
    total: int = Field(
        examples=[412],
        description="Number of products that match: with a filter alone, those that pass it; with "
        "a query, those that are sure enough or have its words. Further hits, if any, are nearer "
        "than the rest of the catalog, but hardly what was meant.",
    )
    total_relation: str = Field(
        default="exact",
        examples=["exact"],
        description="exact; or at_least, if so many were looked at that there may be more.",
    )
    no_match: bool = Field(
        default=False,
        examples=[False],
        description="Nothing matches the query: there are no hits, and suggestions instead.",
    )
    suggestions: tuple[Hit, ...] = Field(
        default=(), description="With no_match: the nearest products all the same."
    )
    facets: Mapping[str, tuple[tuple[_PlainValue, int], ...]] = Field(
        default={},
        examples=[{"base_colour": [["Red", 41]]}],
        description="For each facet of the request, its values with their counts among the "
        "products that match, most frequent first.",
    )
    tags: tuple[Tag, ...] = Field(
        default=(),
        examples=[[{"label": "dress", "group": "type", "confidence": 0.97}]],
        description="With tags: tags of the query's images and liked products.",
    )
    objects: tuple[ObjectHits, ...] = Field(
        default=(),
        description="With items: the items in the query's image, the surest first, each with hits "
        "of its own. The hits above are those of the whole image.",
    )
    colour: AskedColour | None = Field(
        default=None, description="With colour: the colour that was looked for."
    )
    understood: Understood | None = Field(
        default=None,
        description="How the query's texts were read; null without texts, or with parse off.",
    )
    generation: int = Field(examples=[7], description="The index generation that answered.")
    model: str = Field(examples=["compact"])
    took_ms: float = Field(examples=[6.1])
    adapted: bool = Field(
        default=False,
        examples=[True],
        description="Whether the index searches by what it learned from its own catalog.",
    )


@dataclass(frozen=True)
class TagResult:
    """The tags of an image."""

    tags: tuple[Tag, ...] = Field(description="Group by group, in each the most probable first.")
    model: str = Field(examples=["compact"])
    took_ms: float = Field(examples=[9.8], description="The service's time in milliseconds.")


@dataclass(frozen=True)
class Item:
    """One product."""

    id: str = Field(examples=["15970"])
    fields: Mapping[str, FieldValue] = Field(examples=[{"title": "Red Cotton Dress"}])
    images: tuple[str, ...] = Field(examples=[["/v1/items/15970/image/0"]])


@dataclass(frozen=True)
class EmbedResult:
    """The vectors of texts and images."""

    vectors: tuple[tuple[float, ...], ...] = Field(
        examples=[[[0.03, -0.12, 0.08]]],
        description="A vector of length 1 for each text, and then for each image, in their order; "
        "as `vector` in parts they search this index.",
    )
    model: str = Field(examples=["compact"])
    fingerprint: str = Field(
        examples=["0f3a…"], description="Hash of the model; vectors of another one do not compare."
    )
    dim: int = Field(examples=[256], description="Components of each vector.")
    took_ms: float = Field(examples=[4.2])


@dataclass(frozen=True)
class IndexInfo:
    """The index that is served."""

    generation: int = Field(examples=[7])
    created: str = Field(examples=["2026-11-23T20:15:00+00:00"])
    catalog: str = Field(examples=["catalog.csv"])
    products: int = Field(examples=[9000])
    images: int = Field(examples=[9000])
    model: str = Field(examples=["compact"])
    fingerprint: str = Field(examples=["0f3a…"])
    dim: int = Field(examples=[256])
    kind: str = Field(examples=["flat"])
    recall: Mapping[str, float] = Field(
        description="Recall@10 against exact search by kind of query, measured at build time.",
        examples=[{"image": 0.991, "text": 0.984}],
    )
    fields: Mapping[str, str] = Field(
        examples=[{"title": "text", "price": "float"}],
        description="Fields that filters can use, with their types.",
    )
    modes: tuple[str, ...] = Field(
        default=("vector",),
        examples=[["vector", "keyword", "hybrid"]],
        description="Search modes that the index supports; one of an older version has no "
        "keywords.",
    )
    runtime: str = Field(
        default="",
        examples=["openvino"],
        description="The library that the model runs on: openvino, onnx or torch.",
    )
    precision: str = Field(
        default="", examples=["bf16"], description="The model's arithmetic: fp32, bf16 or fp16."
    )


@dataclass(frozen=True)
class ErrorAnswer:
    """The body of every error of the service."""

    code: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True)
class _TagsOfOne:
    status: int
    tags: tuple[Tag, ...] = ()
    error: ErrorAnswer | None = None


@dataclass(frozen=True)
class TagBatch:
    """The answers for several images, in their order."""

    results: tuple[_TagsOfOne, ...]

    def outcomes(self) -> tuple[tuple[Tag, ...] | ServiceError, ...]:
        """Return tags or an error for each image."""
        return tuple(
            one.tags if one.error is None else _error(one.error, one.status) for one in self.results
        )


@dataclass(frozen=True)
class _BatchAnswer:
    status: int
    answer: SearchResult | None = None
    error: ErrorAnswer | None = None

    def outcome(self) -> SearchResult | ServiceError:
        if self.answer is not None:
            return self.answer
        if self.error is None:
            raise UnexpectedAnswerError(
                "The service answered a query with neither hits nor an error."
            )
        return _error(self.error, self.status)


@dataclass(frozen=True)
class BatchAnswers:
    """The answers of a batch of queries, in their order."""

    results: tuple[_BatchAnswer, ...]

    def outcomes(self) -> tuple[SearchResult | ServiceError, ...]:
        """Return an answer or an error for each query.

        Raises:
            UnexpectedAnswerError: A query has neither.
        """
        return tuple(one.outcome() for one in self.results)


def parse(model: type[T], content: bytes) -> T:
    """Read the JSON of an answer.

    Raises:
        UnexpectedAnswerError: It is not JSON, or not of this shape.
    """
    try:
        result: T = _adapter(cast("Any", model)).validate_json(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in problem["loc"]) or "the answer"
        raise UnexpectedAnswerError(
            "This is not an answer of Lookalike's service, or of a version that this client does "
            f"not know: {place}: {problem['msg']}."
        ) from None
    return result


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _error(answer: ErrorAnswer, status: int) -> ServiceError:
    return service_error(answer.code, answer.message, status)
