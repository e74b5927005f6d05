"""Bodies of the routes that look into an image."""

from __future__ import annotations

from typing import Self

from pydantic import Field
from pydantic.dataclasses import dataclass

from embeddings import Tag
from embeddings.vision import ReadLine
from search_api.client import Detection, Moderation, ReadText, TextLine
from search_api.service.schemas.fields import RequestModel, Url
from search_api.service.schemas.tags import TagResponse

__all__ = ["DetectResponse", "LookRequest", "ModerateRequest", "ModerateResponse", "ReadResponse"]


@dataclass(frozen=True)
class DetectResponse(Detection):
    """The items in an image."""


class LookRequest(RequestModel):
    """An image to look into."""

    image_base64: str | None = Field(
        default=None, description="An image file in base64, instead of an uploaded file."
    )
    image_url: Url | None = Field(
        default=None,
        examples=["https://shop.example/dress.jpg"],
        description="An image's URL, if the service allows URLs.",
    )


class ModerateRequest(LookRequest):
    """An image to judge."""

    skin: bool = Field(
        default=False,
        description="Whether it shows a product that is worn on skin, such as swimwear; its "
        "threshold is higher.",
    )


@dataclass(frozen=True)
class ModerateResponse(Moderation):
    """How likely an image is not fit to show."""

    @classmethod
    def of(cls, score: float, threshold: float, tags: list[Tag], took_ms: float) -> Self:
        """Convert a score and the tags of the image."""
        words = tuple(TagResponse.of(tag) for tag in tags)
        return cls(round(score, 4), score >= threshold, threshold, words, took_ms)


@dataclass(frozen=True)
class ReadResponse(ReadText):
    """The text in an image."""

    @classmethod
    def of(cls, lines: list[ReadLine], took_ms: float) -> Self:
        """Convert lines that were read."""
        text = "\n".join(line.text for line in lines)
        shown = tuple(TextLine(line.text, line.box, line.confidence) for line in lines)
        return cls(text, shown, took_ms)
