"""Bodies of the route that tags images."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.dataclasses import dataclass

from embeddings import Tag as EngineTag
from search_api.client import Tag as ClientTag
from search_api.service.schemas.conditions import one_or_more
from search_api.service.schemas.fields import (
    FieldName,
    OneOrSeveral,
    RequestModel,
    Url,
    Whole,
)

__all__ = ["BatchError", "TagResponse", "TagsRequest", "TagsResponse", "TagsResult"]

# Embedding them takes a third of the deadline on two busy processors with `compact`.
_MAX_LABELS = 256
_MAX_TOP = 1000
_MAX_TAXONOMIES = 8
_MAX_GROUPS = 512

_Label = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class BatchError(BaseModel):
    """What is wrong with one query or image of several."""

    code: str = Field(examples=["invalid_request"])
    message: str = Field(examples=["k: Input should be less than or equal to 1000."])


class TagsRequest(RequestModel):
    """An image, or up to 32, to tag by taxonomies, with the caller's labels, or both."""

    image_base64: OneOrSeveral[str] | None = Field(
        default=None,
        description="An image file in base64, as in a search; a list for several.",
    )
    image_url: OneOrSeveral[Url] | None = Field(
        default=None,
        examples=["https://shop.example/dress.jpg"],
        description="An image's URL, if the service allows URLs; a list for several.",
    )
    labels: list[_Label] = Field(
        default=[],
        max_length=_MAX_LABELS,
        examples=[["dress", "shirt", "shoes"]],
        description="The caller's own labels, of which one is assumed true; their group is label.",
    )
    taxonomies: list[FieldName] = Field(
        default=[],
        max_length=_MAX_TAXONOMIES,
        examples=[["retail"]],
        description="Names of taxonomies, built in or the service's own. Only labels above their "
        "threshold are returned.",
    )
    groups: list[FieldName] | None = Field(
        default=None,
        max_length=_MAX_GROUPS,
        examples=[["type", "colour"]],
        description="Groups of the taxonomies to return; all by default.",
    )
    top: Whole = Field(
        default=5, ge=1, le=_MAX_TOP, examples=[5], description="Maximum labels of each group."
    )

    model_config = ConfigDict(json_schema_extra=one_or_more(("labels", "taxonomies")))

    @model_validator(mode="after")
    def _something_to_tag_with(self) -> Self:
        if not self.labels and not self.taxonomies:
            raise ValueError("labels: give labels, taxonomies or both")
        return self


@dataclass(frozen=True)
class TagResponse(ClientTag):
    """A label given to an image."""

    @classmethod
    def of(cls, tag: EngineTag) -> Self:
        """Convert a classifier's tag."""
        return cls(tag.label, tag.group, round(tag.confidence, 4))


class TagsResult(BaseModel):
    """The result of one image of several: tags or an error."""

    status: int = Field(
        examples=[200], description="The status that the image would get in a request of its own."
    )
    tags: list[TagResponse] = Field(default=[], description="As for a single image.")
    error: BatchError | None = Field(default=None, description="Null if the image was tagged.")


class TagsResponse(BaseModel):
    """The tags of one image, or of each of several."""

    tags: list[TagResponse] | None = Field(
        default=None,
        description="Tags of a single image: group by group, in each the most probable first. A "
        "group without a label means that the model is not sure. Absent for several images.",
    )
    results: list[TagsResult] | None = Field(
        default=None, description="For several images: the result of each, in their order."
    )
    model: str = Field(examples=["compact"])
    took_ms: float = Field(examples=[9.8])
