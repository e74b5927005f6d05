"""Labelled examples from a catalog file: its pictures, and a column of labels for each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, ImageError, PixelArray
from embeddings.images import open_image
from indexer.catalog import BadRow, CatalogOptions, CatalogRow, open_catalog
from indexer.errors import SourceError, TaxonomyError
from indexer.tagging.fitting import Examples
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["ExampleReport", "marks_of_values", "read_examples"]

NONE_WORDS = frozenset({"none", "-"})
"""Values that say that a picture has none of a group's labels."""

_BATCH = 32

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ExampleReport:
    """What was read of a file of examples.

    Attributes:
        pictures: How many pictures were embedded.
        labelled: By group, pictures of which its column says something known.
        unknown: By group, values that are no label or synonym, with how often they stand there.
        bad: Rows and pictures that could not be used: their line and what is wrong.
    """

    pictures: int
    labelled: Mapping[str, int]
    unknown: Mapping[str, Mapping[str, int]]
    bad: tuple[tuple[int, str], ...]


def read_examples(
    path: Path,
    encoder: Encoder,
    taxonomy: Taxonomy,
    columns: Mapping[str, str] | None = None,
    options: CatalogOptions | None = None,
    progress: Progress = lambda done: None,
) -> tuple[Examples, ExampleReport]:
    """Read and embed examples.

    A value is a label or a synonym in any case, several with | between them, `none` for none of the
    labels, or empty where nothing is known.

    Args:
        path: A catalog file, as `index build` takes it.
        encoder: Embeds its pictures.
        taxonomy: Whose groups the columns tell of.
        columns: Column by group; by default each group's own name. A group without is left alone.
        options: How the catalog is read.
        progress: Told how many pictures are done.

    Raises:
        CatalogError: The file is no catalog.
        TaxonomyError: No group has a column, or nothing in them is a label.
    """
    options = options or CatalogOptions()
    reader = _Reader(path, encoder, options)
    vectors, rows = reader.read(progress)
    told = _columns(taxonomy, columns, rows)
    truth, unknown = {}, {}
    for group, column in told.items():
        values = [row.get(column) for row in rows]
        truth[group.name], unknown[group.name] = marks_of_values(group, values)
    labelled = {name: int(marks.any(axis=1).sum()) for name, marks in truth.items()}
    if not any(labelled.values()):
        names = ", ".join(group.name for group in taxonomy.groups)
        raise TaxonomyError(
            f"{path.name}: no column tells a label of {taxonomy.name}; name the columns after its "
            f"groups ({names}), and write its labels or their synonyms in them."
        )
    report = ExampleReport(len(rows), labelled, unknown, tuple(reader.bad))
    return Examples(vectors, truth), report


def marks_of_values(
    group: Group, values: Sequence[object]
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """`[n, labels + 1]` marks as `Examples` has them, and the values that are no label."""
    marks = np.zeros((len(values), len(group.labels) + 1), np.bool_)
    unknown: Counter[str] = Counter()
    for row, value in enumerate(values):
        words = [] if value is None else str(value).split("|")
        for word in (word.strip().casefold() for word in words):
            place = group.places.get(word, -1 if word in NONE_WORDS else None)
            if place is not None:
                marks[row, place] = True
            elif word:
                unknown[word] += 1
    return marks, dict(unknown.most_common())


def _columns(
    taxonomy: Taxonomy, columns: Mapping[str, str] | None, rows: Sequence[Mapping[str, object]]
) -> dict[Group, str]:
    given = columns or {}
    for name in given:
        taxonomy.group(name)  # raises where there is none
    there = set().union(*(row.keys() for row in rows)) if rows else set()
    named = {group: given.get(group.name, group.name) for group in taxonomy.groups}
    missing = [column for column in given.values() if column not in there]
    if missing:
        raise TaxonomyError(f"There is no column {missing[0]!r}, but {', '.join(sorted(there))}.")
    return {group: column for group, column in named.items() if column in there}


class _Reader:
    """Reads a catalog's first pictures, and embeds them batch by batch."""

    def __init__(self, path: Path, encoder: Encoder, options: CatalogOptions) -> None:
        self._path, self._encoder, self._options = path, encoder, options
        self.bad: list[tuple[int, str]] = []

    def read(self, progress: Progress) -> tuple[FloatArray, list[Mapping[str, object]]]:
        parts = [np.empty((0, self._encoder.spec.dim), np.float32)]
        pixels: list[PixelArray] = []
        rows: list[Mapping[str, object]] = []
        for row, shown in self._pictures():
            rows.append(row.fields)
            pixels.append(shown)
            if len(pixels) == _BATCH:
                parts.append(self._encoder.encode_images(np.stack(pixels)))
                pixels.clear()
                progress(len(rows))
        if pixels:
            parts.append(self._encoder.encode_images(np.stack(pixels)))
            progress(len(rows))
        return np.concatenate(parts), rows

    def _pictures(self) -> Iterator[tuple[CatalogRow, PixelArray]]:
        for row in open_catalog(self._path, self._options).rows():
            if isinstance(row, BadRow):
                self.bad.append((row.line, row.message))
                continue
            try:
                content = row.images[0].read(self._options.max_image_bytes)
                yield row, self._encoder.preprocess(open_image(content))
            except (SourceError, ImageError) as error:
                self.bad.append((row.line, error.message))
