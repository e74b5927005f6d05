"""Adaptation of a build: the map that it keeps or learns, and the vectors by that map."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

import numpy as np

from embeddings import EncoderSpec, FloatArray
from indexer.adaptation import (
    TITLE,
    AdaptationMap,
    Learned,
    Lessons,
    group_products,
    kind_fields,
    learn,
    plain,
)
from indexer.catalog import TITLE_FIELDS, FieldType, FieldValue, title_field, title_of
from indexer.colours import ColourArray, colour_table, unpack
from indexer.errors import BuildError
from indexer.index import Index, NewImage, NewProduct
from indexer.storage import (
    AdaptationRecord,
    FileRecord,
    Layout,
    NamedFile,
    replace_file,
    sha256_of,
)

__all__ = [
    "AUTO",
    "OFF",
    "SAMPLE",
    "Adapting",
    "Lesson",
    "TextVectors",
    "adapt_products",
    "adaptation_notes",
]

AUTO, OFF = "auto", "off"

SAMPLE = 50_000
"""Most products that are learned from; more gain little."""

# Products whose vectors are adapted together.
_PRODUCTS = 1024
# The column of feeds that variants of a product share.
_VARIANTS = "item_group_id"

_NO_FEATURES = "the model gives no features to learn from"
_NO_FEATURES_KEPT = (
    "the images of this index were embedded before; build it anew, or learn by `index adapt` if it "
    "keeps features"
)


class Lesson(Protocol):
    """A staged product with its first image, as the ledger gives it."""

    @property
    def fields(self) -> Mapping[str, FieldValue]:
        """The product's fields, as the catalog gives them."""

    @property
    def sha256(self) -> bytes:
        """Of the image's content."""

    @property
    def vector(self) -> np.ndarray:
        """`[dim]` float16."""

    @property
    def features(self) -> np.ndarray:
        """`[width]` float16."""

    @property
    def colours(self) -> ColourArray | None:
        """`[5, 4]`."""


class TextVectors(Protocol):
    """Embeds texts, and keeps them for an interrupted build."""

    def vectors_of(self, texts: Sequence[str]) -> FloatArray:
        """Return `[n, dim]` unit vectors."""


class Adapting:
    """Decides what a build learns.

    Args:
        layout: Of the index folder.
        spec: Of the encoder.
        choice: `auto`, `off`, or names of fields with commas between them.
        live: The live generation; None if there is none, or another encoder built it.
        keep: Whether features are to be kept in the index.

    Attributes:
        width: Number of features to stage of every new image; 0 for none.
        kept: Number of features of every image that the index keeps; 0 for none.
        record: What the new generation learned; None if it was not to learn. Known from `settle`.
        map: Its map; None for none. Known from `settle`.
    """

    def __init__(
        self,
        layout: Layout,
        spec: EncoderSpec,
        choice: str,
        live: Index | None,
        *,
        keep: bool = False,
    ) -> None:
        self._layout, self._spec, self._choice = layout, spec, choice
        self._live = live if live is not None and live.segments else None
        self.width = 0 if choice == OFF and not keep else spec.features
        segments = self._live.segments if self._live is not None else ()
        has_all = all(segment.features is not None for segment in segments)
        if keep and not has_all:
            raise BuildError(
                "The images of this index were embedded without keeping features; build it anew "
                "with --keep-features, or leave that out."
            )
        self.kept = spec.features if keep else 0
        self.record: AdaptationRecord | None = None
        self.map: AdaptationMap | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the new generation's map; empty for none."""
        return self.record.digest if self.record is not None else ""

    def settle(
        self, lessons: Iterator[Lesson], types: Mapping[str, FieldType], texts: TextVectors
    ) -> None:
        """Find the map of the new generation and what it learned; the map's file is written.

        Args:
            lessons: A sample of the catalog; read only if there is something to learn.
            types: Of the fields.
            texts: Embeds titles and values.

        Raises:
            BuildError: A field that is to be learned from does not exist.
        """
        if self._choice != OFF:
            self.record, self.map = self._settled(lessons, types, texts)

    def _settled(
        self, lessons: Iterator[Lesson], types: Mapping[str, FieldType], texts: TextVectors
    ) -> tuple[AdaptationRecord, AdaptationMap | None]:
        wanted = None if self._choice == AUTO else _fields_of(self._choice, types)
        if not self._spec.features:
            return AdaptationRecord(self._choice, _NO_FEATURES), None
        if self._live is not None:
            return self._kept(self._live)
        taught = _lessons_of(lessons, types, wanted)
        if taught is None:
            return AdaptationRecord(self._choice, "there are no products to learn from"), None
        return self._learned(learn(taught, texts.vectors_of, wanted))

    def _kept(self, live: Index) -> tuple[AdaptationRecord, AdaptationMap | None]:
        former = live.manifest.adaptation
        if former is not None and former.choice == self._choice:
            return former, live.adaptation
        return AdaptationRecord(self._choice, _NO_FEATURES_KEPT), None

    def _learned(self, learned: Learned) -> tuple[AdaptationRecord, AdaptationMap | None]:
        record = AdaptationRecord(
            choice=self._choice,
            reason=learned.reason,
            fields=learned.fields,
            products=learned.products,
            weight=learned.weight,
            gains=tuple((g.measure, g.before, g.after, g.queries) for g in learned.gains),
        )
        if learned.map is None:
            return record, None
        self._layout.maps.mkdir(exist_ok=True)
        path = (
            self._layout.maps / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}.safetensors"
        )
        replace_file(path, learned.map.to_bytes(self._spec.fingerprint))
        file = NamedFile(path.name, FileRecord(path.stat().st_size, sha256_of(path)))
        return replace(record, file=file, width=learned.map.width), learned.map


def adapt_products(products: Iterable[NewProduct], learned: AdaptationMap) -> Iterator[NewProduct]:
    """Yield products with their adapted vectors filled in; those they have already are kept."""
    products = iter(products)
    while batch := list(itertools.islice(products, _PRODUCTS)):
        missing = [i for product in batch for i in product.images if i.adapted is None]
        rows = iter(_adapted(missing, learned))
        for product in batch:
            images = [
                replace(image, adapted=next(rows)) if image.adapted is None else image
                for image in product.images
            ]
            yield replace(product, images=images)


def adaptation_notes(record: AdaptationRecord | None) -> tuple[str, ...]:
    """Return a line about what an index learned; none if it was not to learn."""
    if record is None:
        return ()
    if record.file is None:
        return (f"not adapted to the catalog: {record.reason}",)
    gains = "; ".join(
        f"{name} {before:.2f}, now {after:.2f}" for name, before, after, _ in record.gains
    )
    learned = f"{', '.join(record.fields)} of {record.products:,} products"
    return (f"adapted to the catalog, from {learned}; on products left out: {gains}",)


def _adapted(images: Sequence[NewImage], learned: AdaptationMap) -> np.ndarray:
    """Return `[n, dim]` float16; an image without features keeps its vector."""
    if not images:
        return np.empty((0, learned.dim), np.float16)
    unknown = np.full(learned.width, np.nan, np.float16)
    features = [unknown if i.features is None else i.features for i in images]
    vectors = np.stack([image.vector for image in images])
    return learned.apply(vectors, np.stack(features)).astype(np.float16)


def _fields_of(choice: str, types: Mapping[str, FieldType]) -> tuple[str, ...]:
    """Return the fields that a choice names, the title's column as `TITLE`."""
    title = title_field(types)
    names = []
    for name in (part.strip() for part in choice.split(",")):
        if name in {title, TITLE} and title is not None:
            names.append(TITLE)
        elif types.get(name) == FieldType.TEXT:
            names.append(name)
        else:
            known = ", ".join(n for n, kind in types.items() if kind == FieldType.TEXT) or "none"
            raise BuildError(
                f"--adapt names {name!r}, which is no field of texts; such fields are: {known}. "
                f"Or use {AUTO} or {OFF}."
            )
    return tuple(names)


def _lessons_of(
    lessons: Iterator[Lesson], types: Mapping[str, FieldType], wanted: Sequence[str] | None
) -> Lessons | None:
    """Return what a sample of the catalog teaches; None if it is empty."""
    usable = (lesson for lesson in lessons if np.isfinite(lesson.features).all())
    sample = list(itertools.islice(usable, SAMPLE))
    if not sample:
        return None
    texts = [
        name
        for name, kind in types.items()
        if kind == FieldType.TEXT and name.lower() not in TITLE_FIELDS and name != _VARIANTS
    ]
    texts = texts if wanted is None else [name for name in wanted if name != TITLE]
    columns = {name: [plain(lesson.fields.get(name)) for lesson in sample] for name in texts}
    named = kind_fields(columns) if wanted is None else texts
    titles = [title_of(lesson.fields) or "" for lesson in sample]
    return Lessons(
        vectors=np.stack([lesson.vector for lesson in sample]),
        features=np.stack([lesson.features for lesson in sample]),
        titles=titles,
        kinds={name: columns[name] for name in named},
        groups=group_products(
            [title.casefold() for title in titles],
            [lesson.sha256.hex() for lesson in sample],
            [str(lesson.fields.get(_VARIANTS) or "") for lesson in sample],
        ),
        colours=_colour_names([lesson.colours for lesson in sample]),
    )


def _colour_names(measured: Sequence[ColourArray | None]) -> list[str]:
    """Return the name of the greatest share of each image's colours; empty where unknown."""
    known = [
        place for place, colours in enumerate(measured) if colours is not None and colours.any()
    ]
    names = [""] * len(measured)
    if known:
        table = colour_table()
        lab, _ = unpack(np.stack([measured[place][0] for place in known]))  # type: ignore[index]
        for place, name in zip(known, table.likeliest_names(lab).tolist(), strict=True):
            names[place] = table.names[name]
    return names
