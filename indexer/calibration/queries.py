"""Queries whose answers a catalog knows: its own texts, its images, and views of its images."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

import numpy as np
from PIL import Image, ImageEnhance

from embeddings import FloatArray
from indexer.catalog import FieldType
from indexer.index import Index, Segment

__all__ = ["CatalogSample", "NamedQuery", "named_queries", "value_of", "view_of"]

# Size of a sample: products, and text fields.
_PRODUCTS = 2000
_FIELDS = 12
# Number of queries: values of one field, and products by several of their values.
_VALUES = 300
_COMBINED = 150
_MAX_CHARACTERS = 200
# A field holds labels if at least this share of its products have a value that so many products of
# the sample have, and if its values have no more words than this on average.
_SHARED_BY = 3
_SHARE = 0.5
_MAX_LABEL_WORDS = 6
_NO_VALUE = frozenset({"na", "n/a", "nan", "none", "null", "unknown", "other", "others", "-"})
# Words in the names of fields that say what kind of product it is.
_KIND_WORDS = frozenset({"category", "type", "kind", "class"})
# Share of the views that are mirrored.
_FLIPPED = 0.5


@dataclass(frozen=True)
class NamedQuery:
    """A text query made of field values.

    Attributes:
        text: The text.
        wanted: What a right answer has: field to value, as `value_of` gives it.
        weight: Its weight; the weights of each sort of query have the same sum.
    """

    text: str
    wanted: Mapping[str, str]
    weight: float


def value_of(value: object) -> str:
    """Return a field's value for comparison, without case and outer blanks; empty for no value."""
    plain = value.strip().casefold() if isinstance(value, str) else ""
    return "" if plain in _NO_VALUE else plain


class CatalogSample:
    """A random sample of an index's products, always the same for the same index.

    Attributes:
        places: Segment number and product row of each.
        values: For each text field, `value_of` of each product.
    """

    def __init__(self, index: Index) -> None:
        self._segments = index.segments
        self._dim = index.manifest.encoder.dim
        alive = [np.flatnonzero(segment.alive) for segment in index.segments]
        numbers = np.repeat(np.arange(len(alive)), [len(rows) for rows in alive])
        rows = np.concatenate(alive) if alive else np.empty(0, np.int64)
        rng = np.random.default_rng(0)
        chosen = np.sort(rng.choice(len(rows), min(_PRODUCTS, len(rows)), replace=False))
        # In random order, so that the first n are a sample too.
        rng.shuffle(chosen)
        self.places = [(int(numbers[i]), int(rows[i])) for i in chosen]
        fields = [n for n, kind in index.manifest.fields.items() if kind == FieldType.TEXT]
        self.values = {name: self._column(name) for name in fields[:_FIELDS]}

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Fields of labels: short values that most products share with others."""
        return tuple(name for name, values in self.values.items() if _are_labels(values))

    @cached_property
    def kind_field(self) -> str:
        """The field of labels whose name says that it holds product kinds; or empty.

        If there are several (`master_category`, `article_type`), it is the one with most values.
        """
        named = [
            name for name in self.labels if _KIND_WORDS & set(re.split(r"[^a-z]+", name.lower()))
        ]
        return max(named, key=lambda name: len(set(self.values[name])), default="")

    @cached_property
    def vectors(self) -> FloatArray:
        """`[n, dim]` what a search by each product's first image starts from."""
        rows = [self._segment(i).adapted[self._image(i)] for i in range(len(self))]
        return np.array(rows, np.float32).reshape(len(rows), self._dim)

    @cached_property
    def searched(self) -> FloatArray:
        """`[n, dim]` vectors that queries are compared with, of each product's first image."""
        rows = [self._segment(i).searched[self._image(i)] for i in range(len(self))]
        return np.array(rows, np.float32).reshape(len(rows), self._dim)

    def thumbnail(self, number: int) -> bytes:
        """Return the WebP file of a product's first image; empty where none is stored."""
        return self._segment(number).thumbnail(self._image(number))

    def _segment(self, number: int) -> Segment:
        return self._segments[self.places[number][0]]

    def _image(self, number: int) -> int:
        return self._segment(number).image_rows(self.places[number][1]).start

    def _column(self, name: str) -> list[str]:
        found = [""] * len(self.places)
        for number, segment in enumerate(self._segments):
            here = [i for i, (of, _) in enumerate(self.places) if of == number]
            taken = segment.field_table[name].take([self.places[i][1] for i in here])
            for i, value in zip(here, taken.to_pylist(), strict=True):
                found[i] = value_of(value)
        return found


def named_queries(sample: CatalogSample) -> list[NamedQuery]:
    """Make queries of the values of one field, and of two and three fields of labels together."""
    rng = np.random.default_rng(1)
    sorts: list[list[tuple[str, Mapping[str, str]]]] = []
    for name, values in sample.values.items():
        counts = Counter(value for value in values if _is_wordy(value))
        least = 2 if name in sample.labels else 1
        texts = [value for value, count in counts.items() if count >= least]
        picked = rng.permutation(len(texts))[:_VALUES]
        sorts.append([(texts[i], {name: texts[i]}) for i in picked])
    sorts += [_combined(sample, size, rng) for size in (2, 3) if len(sample.labels) >= size]
    return [
        NamedQuery(text[:_MAX_CHARACTERS], wanted, _VALUES / len(sort))
        for sort in sorts
        for text, wanted in sort
    ]


def view_of(thumbnail: bytes, rng: np.random.Generator) -> Image.Image:
    """Return an image as a shopper's camera may see it: cropped, rotated, relit and blurred.

    Args:
        thumbnail: A WebP file.
        rng: Chooses the distortions.
    """
    with Image.open(BytesIO(thumbnail), formats=["WEBP"]) as opened:
        image = opened.convert("RGB")
    if rng.random() < _FLIPPED:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    ground = tuple(rng.integers(40, 256, 3).tolist())
    turned = image.rotate(
        rng.uniform(-25, 25), Image.Resampling.BICUBIC, expand=True, fillcolor=ground
    )
    share = rng.uniform(0.5, 0.95)
    width, height = max(1, int(turned.width * share)), max(1, int(turned.height * share))
    left = int(rng.integers(0, turned.width - width + 1))
    top = int(rng.integers(0, turned.height - height + 1))
    seen = turned.crop((left, top, left + width, top + height))
    for effect in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        seen = effect(seen).enhance(rng.uniform(0.6, 1.4))
    smaller = rng.uniform(0.3, 1.0)
    size = max(8, int(seen.width * smaller)), max(8, int(seen.height * smaller))
    return seen.resize(size, Image.Resampling.BILINEAR)


def _are_labels(values: Sequence[str]) -> bool:
    counts = Counter(value for value in values if value)
    shared = sum(count for count in counts.values() if count >= _SHARED_BY)
    words = [len(value.split()) for value in counts]
    return (
        len(counts) > 1
        and shared >= _SHARE * counts.total()
        and float(np.mean(words)) <= _MAX_LABEL_WORDS
    )


def _is_wordy(value: str) -> bool:
    """Return whether a value is words, and not a code, number or address."""
    return "://" not in value and re.search(r"[^\W\d_]{3}", value) is not None


def _combined(
    sample: CatalogSample, size: int, rng: np.random.Generator
) -> list[tuple[str, Mapping[str, str]]]:
    """Make queries of the values of `size` fields of labels of one product."""
    made: list[tuple[str, Mapping[str, str]]] = []
    for number in rng.permutation(len(sample))[:_COMBINED].tolist():
        names = [str(name) for name in rng.permutation(sample.labels)[:size]]
        wanted = {name: sample.values[name][number] for name in names}
        if all(_is_wordy(value) for value in wanted.values()):
            made.append((" ".join(wanted.values()), wanted))
    return made
