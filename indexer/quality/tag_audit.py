"""Audit of an index's tags: accuracy, coverage and examples, by group and label.

Field names of the dataclasses are keys of `lookalike tag audit --json`, where an image is called a
picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import TaxonomyError
from indexer.index import ImageTable, Index
from indexer.quality.tag_metrics import GroupMetrics, evaluate_group
from indexer.tagging import GroupScores, Tagger, marks_of_values, right_labels

__all__ = [
    "Audit",
    "AuditOptions",
    "Coverage",
    "GroupAudit",
    "LabelAudit",
    "TaggedImage",
    "audit_tags",
]

# Images examined at most; of a larger index a random sample.
_MAX_IMAGES = 100_000
# A label that at least this share of the images has does not distinguish them.
_ALWAYS = 0.95
# Values of the category field that are listed, most frequent first.
_CATEGORIES = 20
# The group whose labels are styles of photography, such as packshots.
_STYLE_GROUP = "scene"


@dataclass(frozen=True)
class AuditOptions:
    """What an audit examines.

    Attributes:
        truth: The field with the true labels, or synonyms of them, by group.
        category: A field; coverage is reported for each of its values. None for no such report.
        shown: Number of example images for each label, and of wrong ones likewise.
        seed: Seed of the random sample of images.
    """

    truth: Mapping[str, str]
    category: str | None = None
    shown: int = 4
    seed: int = 0


@dataclass(frozen=True)
class TaggedImage:
    """An image with a label.

    Attributes:
        id: Id of its product.
        number: Position among the product's images, from 0.
        confidence: Confidence of the label, 0 to 1.
        said: The catalog's own value, or empty.
    """

    id: str
    number: int
    confidence: float
    said: str


@dataclass(frozen=True)
class LabelAudit:
    """One label: how often it is given, and examples.

    Attributes:
        label: Name of the label.
        given: Number of images with it.
        examples: Images with it, most confident first; only right ones where the truth is known.
        mistakes: Images with it wrongly, most confident first.
    """

    label: str
    given: int
    examples: tuple[TaggedImage, ...]
    mistakes: tuple[TaggedImage, ...]


@dataclass(frozen=True)
class Coverage:
    """Coverage of the images with one value of a field.

    Attributes:
        value: The value, such as a category.
        pictures: Number of images with it.
        answered: Share of these with a label, 0 to 1, by group.
    """

    value: str
    pictures: int
    answered: Mapping[str, float]


@dataclass(frozen=True)
class GroupAudit:
    """One group of labels.

    Attributes:
        name: Name of the group.
        exclusive: Whether an image gets at most one label.
        answered: Share of all images with a label, 0 to 1.
        figures: Metrics against the truth; None if no field has it.
        field: The field with the truth, or None.
        unknown: Values of the field that are not labels, with their counts, most frequent first.
        labels: Labels given to any image, most frequent first.
        never: Labels given to no image.
        always: Labels given to nearly all images.
    """

    name: str
    exclusive: bool
    answered: float
    figures: GroupMetrics | None
    field: str | None
    unknown: Mapping[str, int]
    labels: tuple[LabelAudit, ...]
    never: tuple[str, ...]
    always: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """The audit of an index's tags.

    Attributes:
        catalog: Name of the catalog.
        generation: Generation of the index.
        model: Name of the encoder.
        taxonomy: Name and version of the taxonomy.
        pictures: Number of images in the index.
        looked_at: Number of images examined.
        groups: All groups, in the taxonomy's order.
        by_category: Coverage by the values of the category field, most frequent first.
        by_style: Coverage by style of photography, if the taxonomy has a group for it.
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
    """Tag an index's images from their vectors, and compare the tags with the catalog's fields.

    Raises:
        QueryError: A field does not exist.
        TaxonomyError: A group does not exist, or no value of its field is one of its labels.
    """
    fields = [*options.truth.values(), *([options.category] if options.category else [])]
    index.check_fields(fields)
    for name in options.truth:
        tagger.taxonomy.group(name)
    sample = _Sample(index, options.seed)
    scored = tagger.scores(sample.vectors)
    answered = {found.group.name: found.best >= 0 for found in scored}
    styles = next((_styles(found) for found in scored if found.group.name == _STYLE_GROUP), ())
    categories = () if options.category is None else sample.values(options.category)
    manifest, taxonomy = index.manifest, tagger.taxonomy
    return Audit(
        catalog=manifest.catalog,
        generation=manifest.generation,
        model=manifest.encoder.name,
        taxonomy=f"{taxonomy.name} {taxonomy.version}",
        pictures=len(sample.table),
        looked_at=len(sample.chosen),
        groups=tuple(_GroupAuditor(found, sample, options).audit() for found in scored),
        by_category=_coverage(categories, answered),
        by_style=_coverage(styles, answered),
    )


class _Sample:
    """The images that are examined, with their products' fields."""

    def __init__(self, index: Index, seed: int) -> None:
        self._index = index
        self.table = ImageTable(index)
        count = len(self.table)
        chosen = np.arange(count)
        if count > _MAX_IMAGES:
            rng = np.random.default_rng(seed)
            chosen = np.sort(rng.choice(count, _MAX_IMAGES, replace=False))
        self.chosen: NDArray[np.int64] = chosen
        self.vectors = self.table.vectors(chosen)

    def values(self, field: str) -> list[object]:
        """Read a field's value for each image."""
        by_product: list[object] = []
        for number, segment in enumerate(self._index.segments):
            rows = self.table.product_row[self.table.product_segment == number]
            by_product += segment.field_table[field].take(rows).to_pylist()
        return [by_product[product] for product in self.table.product[self.chosen]]

    def image(self, place: int, confidence: float, value: object) -> TaggedImage:
        """Describe one image with a label and the catalog's own value."""
        image = int(self.chosen[place])
        product = self.table.product_id(int(self.table.product[image]))
        text = "" if value is None else str(value)
        return TaggedImage(product, self.table.position(image), confidence, text)


class _GroupAuditor:
    """Audits one group: its scores, and the truth where a field has it."""

    def __init__(self, scored: GroupScores, sample: _Sample, options: AuditOptions) -> None:
        self._scored, self._sample, self._options = scored, sample, options
        self._field = options.truth.get(scored.group.name)
        self._values: list[object] = [None] * len(sample.chosen)
        self._truth: NDArray[np.bool_] | None = None
        self._unknown: Mapping[str, int] = {}
        if self._field is not None:
            self._values = sample.values(self._field)
            marks, self._unknown = marks_of_values(scored.group, self._values)
            if not marks.any():
                raise TaxonomyError(
                    f"No value of the field {self._field} is a label of {scored.group.name}; name "
                    "another field, or add its values to the taxonomy as synonyms."
                )
            self._truth = marks[:, :-1]

    def audit(self) -> GroupAudit:
        scored = self._scored
        names = [label.name for label in scored.group.labels]
        counts = scored.given.sum(axis=0)
        order = np.argsort(-counts, kind="stable")
        return GroupAudit(
            name=scored.group.name,
            exclusive=scored.group.exclusive,
            answered=float((scored.best >= 0).mean()) if len(scored.best) else 0.0,
            figures=None if self._truth is None else evaluate_group(scored, self._truth),
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
            examples=self._images(given[~wrong], place),
            mistakes=self._images(given[wrong], place),
        )

    def _images(self, rows: NDArray[np.int64], place: int) -> tuple[TaggedImage, ...]:
        return tuple(
            self._sample.image(
                row, float(self._scored.probabilities[row, place]), self._values[row]
            )
            for row in rows[: self._options.shown].tolist()
        )


def _styles(scored: GroupScores) -> list[object]:
    names = [label.name for label in scored.group.labels]
    return [names[place] if place >= 0 else None for place in scored.best.tolist()]


def _coverage(
    values: Sequence[object], answered: Mapping[str, NDArray[np.bool_]]
) -> tuple[Coverage, ...]:
    """Coverage of the most frequent values; an empty tuple for no values."""
    texts = np.array(["" if value is None else str(value) for value in values], object)
    frequent = Counter(texts.tolist()).most_common(_CATEGORIES)
    return tuple(
        Coverage(
            value or "(none)",
            count,
            {name: float(flags[texts == value].mean()) for name, flags in answered.items()},
        )
        for value, count in frequent
    )
