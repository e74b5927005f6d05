"""What the tags of an index are worth: right and wrong, silent and certain, by group and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import TaxonomyError
from indexer.index import ImageTable, Index
from indexer.quality.tag_metrics import GroupFigures, judge_group, right_labels
from indexer.tagging import GroupScores, Tagger, marks_of_values

__all__ = ["Audit", "AuditOptions", "Coverage", "GroupAudit", "LabelAudit", "Shown", "audit_tags"]

# Pictures looked at; with more, so many are drawn.
_MOST = 100_000
# From this share of the pictures a label of a group says nothing about any of them.
_ALWAYS = 0.95
# Values of the category's field that are listed.
_CATEGORIES = 20
_STYLE_GROUP = "scene"


@dataclass(frozen=True)
class AuditOptions:
    """What an audit looks at.

    Attributes:
        truth: By group, the field that says what is true: labels or their synonyms.
        category: A field whose values' coverage is told apart, or None.
        shown: Pictures of each label that are shown, of right or unjudged ones and of wrong ones.
        seed: Of which pictures are drawn.
    """

    truth: Mapping[str, str]
    category: str | None = None
    shown: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Shown:
    """A picture that got a label.

    Attributes:
        id: Its product.
        number: Which of the product's pictures it is.
        confidence: Of the label.
        said: What the catalog says, or empty.
    """

    id: str
    number: int
    confidence: float
    said: str


@dataclass(frozen=True)
class LabelAudit:
    """How one label is given.

    Attributes:
        label: Its name.
        given: Pictures that it is given to.
        examples: Pictures that got it, surest first; where truth is known, right ones.
        mistakes: Pictures that got it wrongly, surest first.
    """

    label: str
    given: int
    examples: tuple[Shown, ...]
    mistakes: tuple[Shown, ...]


@dataclass(frozen=True)
class Coverage:
    """The share of pictures that get a label, apart by some value.

    Attributes:
        value: Such as a category.
        pictures: How many have it.
        answered: By group, the share of these that gets a label, 0 to 1.
    """

    value: str
    pictures: int
    answered: Mapping[str, float]


@dataclass(frozen=True)
class GroupAudit:
    """How one group fares.

    Attributes:
        name: The group.
        exclusive: Whether its labels exclude each other.
        answered: Share of all pictures that gets a label, 0 to 1.
        figures: Against the truth; None where no field tells it.
        field: The field that does.
        unknown: Values of it that are no label, most frequent first.
        labels: Those given to any picture, most frequent first.
        never: Labels given to none.
        always: Labels given to nearly all.
    """

    name: str
    exclusive: bool
    answered: float
    figures: GroupFigures | None
    field: str | None
    unknown: Mapping[str, int]
    labels: tuple[LabelAudit, ...]
    never: tuple[str, ...]
    always: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """An index's tags, looked into.

    Attributes:
        catalog: The catalog's name.
        generation: Of the index.
        model: The encoder's name.
        taxonomy: Name and version.
        pictures: How many the index has.
        looked_at: How many were tagged.
        groups: In the taxonomy's order.
        by_category: Coverage by the category's values, most frequent first.
        by_style: Coverage by the scene that pictures are tagged with, where the taxonomy has it.
    """

    catalog: str
    generation: int
    model: str
    taxonomy: str
    pictures: int
    looked_at: int
    groups: tuple[GroupAudit, ...]
    by_category: tuple[Coverage, ...]
    by_style: tuple[Coverage, ...]


def audit_tags(index: Index, tagger: Tagger, options: AuditOptions) -> Audit:
    """Tag an index's pictures from their vectors, and judge the tags by the catalog's fields.

    Raises:
        QueryError: A field does not exist.
        TaxonomyError: A group does not exist, or nothing in a field of truth is one of its labels.
    """
    fields = [*options.truth.values(), *([options.category] if options.category else [])]
    index.check_fields(fields)
    for name in options.truth:
        tagger.taxonomy.group(name)
    pictures = _Pictures(index, options.seed)
    scored = tagger.scores(pictures.vectors)
    answered = {found.group.name: found.best >= 0 for found in scored}
    groups = tuple(_GroupAuditor(found, pictures, options).audit() for found in scored)
    manifest, taxonomy = index.manifest, tagger.taxonomy
    return Audit(
        catalog=manifest.catalog,
        generation=manifest.generation,
        model=manifest.encoder.name,
        taxonomy=f"{taxonomy.name} {taxonomy.version}",
        pictures=len(pictures.table),
        looked_at=len(pictures.chosen),
        groups=groups,
        by_category=()
        if options.category is None
        else _coverage(pictures.values(options.category), answered),
        by_style=next(
            (_coverage(_styles(s), answered) for s in scored if s.group.name == _STYLE_GROUP), ()
        ),
    )


class _Pictures:
    """The pictures that are looked at, with their products' fields."""

    def __init__(self, index: Index, seed: int) -> None:
        self._index = index
        self.table = ImageTable(index)
        count = len(self.table)
        chosen = np.arange(count)
        if count > _MOST:
            chosen = np.sort(np.random.default_rng(seed).choice(count, _MOST, replace=False))
        self.chosen: NDArray[np.int64] = chosen
        self.vectors = self.table.vectors(chosen)

    def values(self, field: str) -> list[object]:
        """A field's value for each picture."""
        by_product: list[object] = []
        for number, segment in enumerate(self._index.segments):
            rows = self.table.product_row[self.table.product_segment == number]
            by_product += segment.field_table[field].take(rows).to_pylist()
        return [by_product[product] for product in self.table.product[self.chosen]]

    def shown(self, place: int, confidence: float, said: object) -> Shown:
        """One of them."""
        picture = int(self.chosen[place])
        product = self.table.product_id(int(self.table.product[picture]))
        text = "" if said is None else str(said)
        return Shown(product, self.table.position(picture), confidence, text)


class _GroupAuditor:
    def __init__(self, scored: GroupScores, pictures: _Pictures, options: AuditOptions) -> None:
        self._scored, self._pictures, self._options = scored, pictures, options
        self._field = options.truth.get(scored.group.name)
        self._said: list[object] = [None] * len(pictures.chosen)
        self._truth: NDArray[np.bool_] | None = None
        self._unknown: Mapping[str, int] = {}
        if self._field is not None:
            self._said = pictures.values(self._field)
            marks, self._unknown = marks_of_values(scored.group, self._said)
            if not marks.any():
                raise TaxonomyError(
                    f"Nothing in the field {self._field} is a label of {scored.group.name}; name "
                    "another field, or write its words into the taxonomy as synonyms."
                )
            self._truth = marks[:, :-1]

    def audit(self) -> GroupAudit:
        scored, names = self._scored, [label.name for label in self._scored.group.labels]
        counts = scored.given.sum(axis=0)
        order = np.argsort(-counts, kind="stable")
        return GroupAudit(
            name=scored.group.name,
            exclusive=scored.group.exclusive,
            answered=float((scored.best >= 0).mean()) if len(scored.best) else 0.0,
            figures=None if self._truth is None else judge_group(scored, self._truth),
            field=self._field,
            unknown=self._unknown,
            labels=tuple(self._label(int(place)) for place in order if counts[place]),
            never=tuple(name for name, count in zip(names, counts, strict=True) if not count),
            always=tuple(
                name
                for name, count in zip(names, counts, strict=True)
                if count >= _ALWAYS * len(scored.given) and count
            ),
        )

    def _label(self, place: int) -> LabelAudit:
        scored = self._scored
        given = np.flatnonzero(scored.given[:, place])
        given = given[np.argsort(-scored.probabilities[given, place], kind="stable")]
        wrong = np.zeros(len(given), np.bool_)
        if self._truth is not None:
            truth = self._truth[given]
            right = right_labels(scored.group, truth)[:, place]
            wrong = truth.any(axis=1) & ~right
        return LabelAudit(
            label=scored.group.labels[place].name,
            given=len(given),
            examples=self._shown(given[~wrong], place),
            mistakes=self._shown(given[wrong], place),
        )

    def _shown(self, rows: NDArray[np.int64], place: int) -> tuple[Shown, ...]:
        return tuple(
            self._pictures.shown(
                row, float(self._scored.probabilities[row, place]), self._said[row]
            )
            for row in rows[: self._options.shown].tolist()
        )


def _styles(scored: GroupScores) -> list[object]:
    names = [label.name for label in scored.group.labels]
    return [names[place] if place >= 0 else None for place in scored.best.tolist()]


def _coverage(
    values: Sequence[object], answered: Mapping[str, NDArray[np.bool_]]
) -> tuple[Coverage, ...]:
    told = np.array(["" if value is None else str(value) for value in values], object)
    frequent = Counter(told.tolist()).most_common(_CATEGORIES)
    return tuple(
        Coverage(
            value or "(none)",
            count,
            {name: float(flags[told == value].mean()) for name, flags in answered.items()},
        )
        for value, count in frequent
    )
