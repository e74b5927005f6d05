"""What the service finds inside an image, as frozen dataclasses."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from search_api.client.results import DetectedObject, Tag

__all__ = ["Detection", "Moderation", "ReadText", "TextLine"]

_BOX = "Left, top, right and bottom as fractions of the image's sides (0 to 1)."


@dataclass(frozen=True)
class Detection:
    """The items in an image."""

    objects: tuple[DetectedObject, ...] = Field(
        description="The surest first; what fills the image is none."
    )
    took_ms: float = Field(examples=[41.0], description="The service's time in milliseconds.")


@dataclass(frozen=True)
class Moderation:
    """How likely an image is not fit to show."""

    unsafe: float = Field(
        examples=[0.03],
        description="Score of nudity and pornography, 0 to 1: the higher, the less it is fit to "
        "show.",
    )
    held: bool = Field(
        examples=[False], description="Whether a build or a service that holds such images would."
    )
    threshold: float = Field(examples=[0.8], description="The score from which it is held.")
    tags: tuple[Tag, ...] = Field(
        examples=[[{"label": "safe", "group": "moderation", "confidence": 0.98}]],
        description="Words for it, of the taxonomy retail's group moderation: weapons, drugs and "
        "violence too. Empty where the model is not sure.",
    )
    took_ms: float = Field(examples=[38.2], description="The service's time in milliseconds.")


@dataclass(frozen=True)
class TextLine:
    """A line of text in an image."""

    text: str = Field(examples=["Organic Oat Drink"])
    box: tuple[float, float, float, float] = Field(
        examples=[[0.03, 0.16, 0.8, 0.52]], description=_BOX
    )
    confidence: float = Field(
        examples=[0.98], description="The reader's own score (0 to 1); not a probability."
    )


@dataclass(frozen=True)
class ReadText:
    """The text in an image."""

    text: str = Field(
        examples=["Organic Oat Drink\n1 litre"], description="All lines, from top to bottom."
    )
    lines: tuple[TextLine, ...] = Field(description="Each line and where it is.")
    took_ms: float = Field(examples=[172.0], description="The service's time in milliseconds.")
