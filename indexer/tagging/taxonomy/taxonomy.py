"""Taxonomies: groups of labels, read from YAML files or built in.

```yaml
name: shoes
version: 1
groups:
  - name: type
    exclusive: true
    templates: ["{}", "a photo of {}"]
    labels:
      - footwear
      - {name: trainers, synonyms: [sneakers, running shoes], parent: footwear}
      - {name: boots, parent: footwear}
```

What a file may hold is the pydantic model `TaxonomyFile`; its JSON schema is published beside the
built-in taxonomies, so that editors check files as they are written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from embeddings import DEFAULT_TEMPLATES
from indexer.errors import TaxonomyError
from indexer.tagging.taxonomy.safe_yaml import UnsafeYamlError, load_yaml

__all__ = [
    "BUILT_IN",
    "DEFAULT_TAXONOMY",
    "Group",
    "GroupFile",
    "Label",
    "LabelFile",
    "Taxonomy",
    "TaxonomyFile",
    "built_in_names",
    "of_labels",
    "read_taxonomy",
    "taxonomy_schema",
]

BUILT_IN = Path(__file__).parents[1] / "data"

DEFAULT_TAXONOMY = "retail"
"""The built-in taxonomy that is used where nobody names one."""

# A taxonomy of a thousand labels with synonyms has about 100 kB.
_MAX_BYTES = 2**19
_MAX_GROUPS = 64
_MAX_LABELS = 5000
_MAX_WORDS = 64
# Sentences that a model embeds for a taxonomy; `compact` takes a minute for so many.
_MAX_PROMPTS = 20_000

# No control characters, and no braces, which are the template's.
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
    """A label: its name, and what else it is called."""

    name: _Name = Field(description="What shoppers read.", examples=["trainers"])
    synonyms: list[_Name] = Field(
        default=[],
        max_length=_MAX_WORDS,
        description="Other words for it; the model looks for these as well.",
        examples=[["sneakers", "running shoes"]],
    )
    templates: list[_Template] = Field(
        default=[],
        max_length=_MAX_WORDS,
        description="Sentences around the label's words, {} being the words; the group's if none.",
        examples=[["a photo of {}"]],
    )
    parent: _Name | None = Field(
        default=None,
        description="A wider label of the same group, which every picture of this label has too.",
        examples=["footwear"],
    )


class GroupFile(_Part):
    """A group: labels that answer one question about a picture."""

    name: _Name = Field(examples=["type"])
    exclusive: bool = Field(
        default=True,
        description="Whether a picture has one of the labels at most, apart from its parents.",
    )
    templates: list[_Template] = Field(
        default=[],
        max_length=_MAX_WORDS,
        description="Sentences around every label's words, {} being the words.",
        examples=[["a photo of {}"]],
    )
    labels: list[_Name | LabelFile] = Field(
        min_length=1, max_length=_MAX_LABELS, description="Names, or labels with more to say."
    )

    @field_validator("labels", mode="after")
    @classmethod
    def _all_with_more(cls, labels: list[str | LabelFile]) -> list[str | LabelFile]:
        return [LabelFile(name=label) if isinstance(label, str) else label for label in labels]


class TaxonomyFile(_Part):
    """A taxonomy of Lookalike: groups of labels that pictures are tagged with."""

    name: _Name = Field(examples=["shoes"])
    version: int = Field(ge=1, description="Raised by whoever changes the file.", examples=[1])
    groups: list[GroupFile] = Field(min_length=1, max_length=_MAX_GROUPS)


@dataclass(frozen=True)
class Label:
    """A label of a group.

    Attributes:
        name: What shoppers read.
        synonyms: Other words for it.
        templates: Sentences around its words, each with one `{}`; never empty.
        parent: The name of a wider label of the same group.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    templates: tuple[str, ...] = DEFAULT_TEMPLATES
    parent: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Its name and its synonyms."""
        return (self.name, *self.synonyms)

    @property
    def prompts(self) -> list[str]:
        """All its words in all its sentences."""
        return [template.replace("{}", word) for word in self.words for template in self.templates]


@dataclass(frozen=True)
class Group:
    """Labels that answer one question about a picture.

    Attributes:
        name: Such as `type`.
        exclusive: Whether one label at most is true of a picture, apart from its parents.
        labels: At least one; names differ.
        templates: The sentences of labels that have none of their own.
    """

    name: str
    exclusive: bool
    labels: tuple[Label, ...]
    templates: tuple[str, ...] = DEFAULT_TEMPLATES

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each label by its name and synonyms, in lower case; names come first."""
        places = {label.name.casefold(): place for place, label in enumerate(self.labels)}
        for place, label in enumerate(self.labels):
            for word in label.synonyms:
                places.setdefault(word.casefold(), place)
        return places

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """The place of each label's parent, -1 where there is none."""
        return tuple(
            -1 if label.parent is None else self.places[label.parent.casefold()]
            for label in self.labels
        )

    def lineage(self, place: int) -> tuple[int, ...]:
        """A label, its parent, that one's parent and so on, as places."""
        line = []
        while place >= 0:
            line.append(place)
            place = self.parents[place]
        return tuple(line)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what decides about its scores: names, words, sentences, parents."""
        said = [[label.name, label.prompts, label.parent] for label in self.labels]
        return hashlib.sha256(json.dumps([self.exclusive, said]).encode()).hexdigest()


@dataclass(frozen=True)
class Taxonomy:
    """Groups of labels.

    Attributes:
        name: Such as `retail`.
        version: From 1.
        groups: At least one; names differ.
    """

    name: str
    version: int
    groups: tuple[Group, ...]
    _by_name: Mapping[str, Group] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {group.name: group for group in self.groups})

    def group(self, name: str) -> Group:
        """The group of that name.

        Raises:
            TaxonomyError: There is none.
        """
        found = self._by_name.get(name)
        if found is None:
            raise TaxonomyError(
                f"The taxonomy {self.name} has no group {name!r}, but {', '.join(self._by_name)}."
            )
        return found

    def only(self, names: Sequence[str]) -> Taxonomy:
        """The same with some of its groups; errors as `group`."""
        return Taxonomy(self.name, self.version, tuple(self.group(name) for name in names))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what decides about its scores."""
        said = [self.name, self.version, [[group.name, group.digest] for group in self.groups]]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    @classmethod
    def of_file(cls, file: TaxonomyFile) -> Self:
        """From what a file holds, which must have been checked."""
        groups = []
        for group in file.groups:
            templates = tuple(group.templates) or DEFAULT_TEMPLATES
            labels = tuple(
                Label(
                    label.name.strip(),
                    tuple(word.strip() for word in label.synonyms),
                    tuple(label.templates) or templates,
                    None if label.parent is None else label.parent.strip(),
                )
                for label in group.labels
                if isinstance(label, LabelFile)
            )
            groups.append(Group(group.name.strip(), group.exclusive, labels, templates))
        return cls(file.name.strip(), file.version, tuple(groups))


def built_in_names() -> list[str]:
    """The names of the taxonomies that ship with Lookalike."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml"))


def read_taxonomy(source: str | Path) -> Taxonomy:
    """Read a taxonomy.

    Args:
        source: The name of a built-in taxonomy, such as `retail`, or the path of a YAML file.

    Raises:
        TaxonomyError: There is none, it is no taxonomy, or it is over a limit; the message is one
            line that names the file, and the group and the label where it is about one.
    """
    if isinstance(source, str) and source in built_in_names():
        return _read_file(BUILT_IN / f"{source}.yaml", source)
    return _read_file(Path(source), str(source))


def of_labels(labels: Sequence[str], group: str = "label") -> Taxonomy:
    """A taxonomy of one exclusive group of a caller's own labels."""
    return Taxonomy("labels", 1, (Group(group, True, tuple(Label(name) for name in labels)),))


def taxonomy_schema() -> dict[str, Any]:
    """The JSON schema of taxonomy files."""
    schema = TaxonomyFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _read_file(path: Path, shown: str) -> Taxonomy:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise TaxonomyError(
            f"{shown}: this is neither a taxonomy file that can be read ({reason}) nor one of the "
            f"built-in taxonomies: {', '.join(built_in_names())}."
        ) from error
    if len(content) > _MAX_BYTES:
        raise TaxonomyError(f"{shown}: a taxonomy file has at most {_MAX_BYTES // 1024} kB.")
    try:
        raw = load_yaml(content)
    except UnsafeYamlError as error:
        raise TaxonomyError(f"{shown}: {error}") from error
    except yaml.YAMLError as error:
        raise TaxonomyError(f"{shown}: this is not YAML: {_yaml_problem(error)}.") from error
    try:
        file_ = TaxonomyFile.model_validate(raw)
    except ValidationError as error:
        raise TaxonomyError(f"{shown}: {_first_problem(error, raw)}") from None
    taxonomy = Taxonomy.of_file(file_)
    problem = _problem_of(taxonomy)
    if problem is not None:
        raise TaxonomyError(f"{shown}: {problem}")
    return taxonomy


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _first_problem(error: ValidationError, raw: object) -> str:
    """What is wrong, with the group and the label that it is wrong with."""
    problems = error.errors(include_url=False, include_input=False)
    # A label is a name or an object: what is wrong with an object is told, not that it is no name.
    problem = next((p for p in problems if "LabelFile" in p["loc"]), problems[0])
    where: list[str] = []
    at = raw
    for step in problem["loc"]:
        if isinstance(step, str):
            # Which of a label's two forms was tried is no place in the file.
            if step in ("LabelFile", "constrained-str"):
                continue
            where.append(step)
            at = at.get(step) if isinstance(at, Mapping) else None
            continue
        at = at[step] if isinstance(at, list) and step < len(at) else None
        kind = where.pop() if where else "item"
        where.append(f"{kind.removesuffix('s')} {_called(step, at)}")
    place = ", ".join(where) or "the file"
    return f"{place}: {problem['msg'].replace('String should', 'this should')}."


def _called(number: int, at: object) -> str:
    name = at.get("name") if isinstance(at, Mapping) else at
    return repr(name[:60]) if isinstance(name, str) else f"number {number + 1}"


def _problem_of(taxonomy: Taxonomy) -> str | None:
    """What no schema says: names that repeat, parents that don't exist, too much of it all."""
    names = [group.name for group in taxonomy.groups]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return f"there are two groups {twice!r}."
    labels = [label for group in taxonomy.groups for label in group.labels]
    if len(labels) > _MAX_LABELS:
        return f"it has {len(labels)} labels; at most {_MAX_LABELS} are allowed."
    prompts = sum(len(label.words) * len(label.templates) for label in labels)
    if prompts > _MAX_PROMPTS:
        return (
            f"its words in all their sentences make {prompts} texts; at most {_MAX_PROMPTS} are "
            "allowed."
        )
    return next((found for group in taxonomy.groups if (found := _problem_with(group))), None)


def _problem_with(group: Group) -> str | None:
    seen: dict[str, str] = {}
    for label in group.labels:
        other = seen.setdefault(label.name.casefold(), label.name)
        if other is not label.name:
            return f"group {group.name!r}: there are two labels {label.name!r}."
    for label in group.labels:
        where = f"group {group.name!r}, label {label.name!r}"
        for word in label.synonyms:
            if word.casefold() in seen and word.casefold() != label.name.casefold():
                return f"{where}: its synonym {word!r} is the name of another label."
        if label.parent is not None and label.parent.casefold() not in seen:
            return f"{where}: its parent {label.parent!r} is no label of the group."
    return _circle(group)


def _circle(group: Group) -> str | None:
    for start, label in enumerate(group.labels):
        place, steps = start, 0
        while place >= 0:
            place, steps = group.parents[place], steps + 1
            if steps > len(group.labels):
                return f"group {group.name!r}, label {label.name!r}: its parents go in a circle."
    return None
