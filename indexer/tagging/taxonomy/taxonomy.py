"""Taxonomies: groups of labels that images are tagged with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from embeddings import DEFAULT_TEMPLATES
from indexer.errors import TaxonomyError

__all__ = ["Group", "Label", "Taxonomy"]


@dataclass(frozen=True)
class Label:
    """A label of a group.

    Attributes:
        name: The name that shoppers read.
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
        """The name and the synonyms."""
        return (self.name, *self.synonyms)

    @property
    def prompts(self) -> list[str]:
        """All words in all templates: the texts that a model embeds."""
        return [template.replace("{}", word) for word in self.words for template in self.templates]


@dataclass(frozen=True)
class Group:
    """Labels that answer one question about an image.

    Attributes:
        name: Such as `type`.
        exclusive: Whether at most one label is true of an image, not counting its parents.
        labels: At least one; names differ.
        templates: The templates of labels that have none of their own.
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
        """Return the places of a label, its parent, its parent's parent and so on."""
        line = []
        while place >= 0:
            line.append(place)
            place = self.parents[place]
        return tuple(line)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of all that decides its scores: names, words, templates, parents."""
        labels = [[label.name, label.prompts, label.parent] for label in self.labels]
        return hashlib.sha256(json.dumps([self.exclusive, labels]).encode()).hexdigest()


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
        """Return a group by its name.

        Raises:
            TaxonomyError: There is no such group.
        """
        found = self._by_name.get(name)
        if found is None:
            raise TaxonomyError(
                f"The taxonomy {self.name} has no group {name!r}, but {', '.join(self._by_name)}."
            )
        return found

    def only(self, names: Sequence[str]) -> Taxonomy:
        """Return the taxonomy with some of its groups only; errors as `group`."""
        return Taxonomy(self.name, self.version, tuple(self.group(name) for name in names))

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of all that decides its scores."""
        parts = [self.name, self.version, [[group.name, group.digest] for group in self.groups]]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
