"""Schema of taxonomy files: the pydantic models of what a file may hold, and its JSON schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["MAX_LABELS", "GroupFile", "LabelFile", "TaxonomyFile", "taxonomy_schema"]

MAX_LABELS = 5000
"""The most labels of a taxonomy."""
_MAX_GROUPS = 64
# The most synonyms, and templates, of one label.
_MAX_WORDS = 64

# Control characters are not allowed, nor are braces, which mark the place of words in a template.
_Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f{}]*[^\s\x00-\x1f\x7f{}][^\x00-\x1f\x7f{}]*$",
    ),
]
_Template = Annotated[str, Field(min_length=2, max_length=200, pattern=r"^[^{}]*\{\}[^{}]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LabelFile(_Part):
    """A label: its name, and other words for it."""

    name: _Name = Field(description="The name that shoppers read.", examples=["trainers"])
    synonyms: list[_Name] = Field(
        default=[],
        max_length=_MAX_WORDS,
        description="Other words for the label; the model looks for these as well.",
        examples=[["sneakers", "running shoes"]],
    )
    templates: list[_Template] = Field(
        default=[],
        max_length=_MAX_WORDS,
        description=(
            "Sentences around the label's words, with {} in their place. Default: the group's."
        ),
        examples=[["a photo of {}"]],
    )
    parent: _Name | None = Field(
        default=None,
        description="A wider label of the same group; every image of this label has it too.",
        examples=["footwear"],
    )


class GroupFile(_Part):
    """A group: labels that answer one question about an image."""

    name: _Name = Field(examples=["type"])
    exclusive: bool = Field(
        default=True,
        description="Whether an image has at most one of the labels, not counting its parents.",
    )
    templates: list[_Template] = Field(
        default=[],
        max_length=_MAX_WORDS,
        description="Sentences around every label's words, with {} in their place.",
        examples=[["a photo of {}"]],
    )
    labels: list[_Name | LabelFile] = Field(
        min_length=1, max_length=MAX_LABELS, description="Names, or objects with more properties."
    )

    @field_validator("labels", mode="after")
    @classmethod
    def _as_objects(cls, labels: list[str | LabelFile]) -> list[str | LabelFile]:
        return [LabelFile(name=label) if isinstance(label, str) else label for label in labels]


class TaxonomyFile(_Part):
    """A taxonomy of Lookalike: groups of labels that images are tagged with."""

    name: _Name = Field(examples=["shoes"])
    version: int = Field(ge=1, description="Raise it whenever you change the file.", examples=[1])
    groups: list[GroupFile] = Field(min_length=1, max_length=_MAX_GROUPS)


def taxonomy_schema() -> dict[str, Any]:
    """Return the JSON schema of taxonomy files, published as `data/taxonomy.schema.json`."""
    schema = TaxonomyFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
