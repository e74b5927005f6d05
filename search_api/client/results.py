"""What the service answers, as frozen dataclasses.

Fields that a newer service adds are ignored, and those that an older one lacks have defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from search_api.client.errors import ServiceError, UnexpectedAnswerError, service_error

__all__ = [
    "BatchAnswers",
    "ErrorAnswer",
    "Explanation",
    "FieldValue",
    "Hit",
    "IndexInfo",
    "Item",
    "SearchResult",
    "SharedColour",
    "Tag",
    "TagBatch",
    "TagResult",
    "parse",
]

FieldValue = str | int | float | bool | None | tuple[str, ...]
"""A product field's value; None where the product has none, several labels where it holds tags."""

T = TypeVar("T")


@dataclass(frozen=True)
class Tag:
    """A label given to a picture.

    Attributes:
        label: The label.
        group: What it is a label of, such as `type`; `label` for the caller's own.
        confidence: Probability that it is right, 0 to 1.
    """

    label: str
    group: str
    confidence: float


@dataclass(frozen=True)
class SharedColour:
    """A colour that a hit has, and the query has or names too.

    Attributes:
        name: What it is called.
        colour: The hit's own shade of it, `#rrggbb`.
        share: What part of the product has it, 0 to 1.
    """

    name: str
    colour: str
    share: float


@dataclass(frozen=True)
class Explanation:
    """Why a hit matched.

    Attributes:
        tags: Labels by group that both have.
        colours: Colours that both have, the greatest share first.
        heatmap: The service's path of a PNG: the regions of the picture that carried the match.
    """

    tags: Mapping[str, tuple[str, ...]]
    colours: tuple[SharedColour, ...]
    heatmap: str


@dataclass(frozen=True)
class Hit:
    """A product found.

    Attributes:
        id: The product's id.
        score: Cosine to the query, -1 to 1.
        confidence: Probability that this is what was asked for, 0 to 1; None where an older
            version built the index.
        image: The service's path of the product's best matching picture.
        fields: The product fields asked for.
        grouped: Ids of other products that this hit stands for, where grouping was asked for.
        explanation: Why it matched, where that was asked for.
    """

    id: str
    score: float
    confidence: float | None
    image: str
    fields: Mapping[str, FieldValue]
    grouped: tuple[str, ...] = ()
    explanation: Explanation | None = None

    @property
    def image_number(self) -> int:
        """Which of the product's pictures matched best, as `item_image` takes it."""
        return int(self.image.rpartition("/")[2])


@dataclass(frozen=True)
class SearchResult:
    """The answer to one query.

    Attributes:
        hits: The products, best first.
        total: Number of hits in this answer.
        facets: For each facet asked for, its values and their counts, most frequent first.
        tags: Tags of the query picture, where asked for.
        generation: The index generation that answered.
        model: The model's name.
        took_ms: The service's time in milliseconds.
    """

    hits: tuple[Hit, ...]
    total: int
    generation: int
    model: str
    took_ms: float
    facets: Mapping[str, tuple[tuple[FieldValue, int], ...]] = field(default_factory=dict)
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True)
class TagResult:
    """The tags of a picture.

    Attributes:
        tags: The labels, most probable first.
        model: The model's name.
        took_ms: The service's time in milliseconds.
    """

    tags: tuple[Tag, ...]
    model: str
    took_ms: float


@dataclass(frozen=True)
class ErrorAnswer:
    """The body that every error of the service has."""

    code: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True)
class _Tagged:
    status: int
    tags: tuple[Tag, ...] = ()
    error: ErrorAnswer | None = None


@dataclass(frozen=True)
class TagBatch:
    """What came of each of several pictures, in their order."""

    results: tuple[_Tagged, ...]

    def outcomes(self) -> tuple[tuple[Tag, ...] | ServiceError, ...]:
        """Tags or an error for each picture."""
        return tuple(
            one.tags
            if one.error is None
            else service_error(one.error.code, one.error.message, one.status)
            for one in self.results
        )


@dataclass(frozen=True)
class Item:
    """One product.

    Attributes:
        id: Its id.
        fields: Its fields.
        images: The service's paths of its pictures.
    """

    id: str
    fields: Mapping[str, FieldValue]
    images: tuple[str, ...]


@dataclass(frozen=True)
class IndexInfo:
    """What the service serves.

    Attributes:
        generation: Rises with every published build.
        created: When that was, in ISO 8601.
        catalog: The catalog's name.
        products: How many products there are.
        images: How many pictures they have.
        model: The model's name.
        fingerprint: The model's hash over weights and preprocessing.
        dim: Length of its vectors.
        kind: The FAISS kind.
        recall: Recall@10 against exact search, by kind of query, 0 to 1.
        fields: What can be filtered, and its type.
        modes: How it can be searched.
    """

    generation: int
    created: str
    catalog: str
    products: int
    images: int
    model: str
    fingerprint: str
    dim: int
    kind: str
    recall: Mapping[str, float]
    fields: Mapping[str, str]
    modes: tuple[str, ...] = ("vector",)


@dataclass(frozen=True)
class _BatchAnswer:
    status: int
    answer: SearchResult | None = None
    error: ErrorAnswer | None = None


@dataclass(frozen=True)
class BatchAnswers:
    """What came of each query of a batch, in its order."""

    results: tuple[_BatchAnswer, ...]

    def outcomes(self) -> tuple[SearchResult | ServiceError, ...]:
        """An answer or an error for each query.

        Raises:
            UnexpectedAnswerError: One has neither.
        """
        return tuple(map(_outcome, self.results))


def _outcome(one: _BatchAnswer) -> SearchResult | ServiceError:
    if one.answer is not None:
        return one.answer
    if one.error is None:
        raise UnexpectedAnswerError("The service answered a query with neither hits nor an error.")
    return service_error(one.error.code, one.error.message, one.status)


def parse(model: type[T], content: bytes) -> T:
    """Read an answer's JSON.

    Raises:
        UnexpectedAnswerError: It is none, or not of this shape.
    """
    try:
        result: T = _adapter(cast(Any, model)).validate_json(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in problem["loc"]) or "the answer"
        raise UnexpectedAnswerError(
            "This is no answer of Lookalike's service, or of a version that this client doesn't "
            f"know: {place}: {problem['msg']}."
        ) from None
    return result


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)
