"""What answers say beside their hits: why a hit matched, and how a text was read."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from pydantic.dataclasses import dataclass

__all__ = ["Explanation", "MatchedLine", "SharedColour", "Understood"]


@dataclass(frozen=True)
class MatchedLine:
    """A line of text in an image that has words of the query."""

    words: tuple[str, ...] = Field(
        examples=[["oat", "drink"]], description="Those words, as the query has them."
    )
    text: str = Field(examples=["Organic Oat Drink"], description="The line as it was read.")
    image: int = Field(examples=[0], description="Which of the product's images, from 0.")
    box: tuple[float, float, float, float] = Field(
        examples=[[0.03, 0.16, 0.8, 0.52]],
        description="Left, top, right and bottom as fractions of the image's sides (0 to 1).",
    )


@dataclass(frozen=True)
class SharedColour:
    """A colour that both the hit and the query have."""

    name: str = Field(examples=["navy blue"])
    colour: str = Field(examples=["#1f2a4d"], description="The hit's own shade of it.")
    share: float = Field(
        examples=[0.62], description="Share of the product that has the colour (0 to 1)."
    )


@dataclass(frozen=True)
class Explanation:
    """Why a hit matched."""

    tags: Mapping[str, tuple[str, ...]] = Field(
        examples=[{"type": ["dress"]}],
        description="Labels by group that the hit shares with the query's products and words, and "
        "with its images where tags is true.",
    )
    colours: tuple[SharedColour, ...] = Field(description="The greatest share first.")
    heatmap: str | None = Field(
        examples=["/v1/items/15970/heatmap?image=0&q=red%20dress"],
        description="Path of a PNG that shows which regions of the image matched. GET it; or "
        "POST the same query there if it has an image or parts. Null for a query of a colour "
        "alone.",
    )
    words: tuple[MatchedLine, ...] = Field(
        default=(),
        description="Lines of text in the product's images that have words of the query, where the "
        "index was built with --ocr.",
    )


@dataclass(frozen=True)
class Understood:
    """How the texts of a query were read."""

    kept: str = Field(
        examples=["shirt"],
        description="What was searched for; empty if the texts only exclude something.",
    )
    excluded: tuple[str, ...] = Field(
        default=(),
        examples=[["stripes"]],
        description="Words and phrases that hits do not have: products whose titles, values or "
        "tags have them are left out, and the query is pushed away from them.",
    )
