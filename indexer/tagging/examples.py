"""Reading of labelled examples: a catalog's images, and a column of labels for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embeddings import Encoder, FloatArray, ImageError, PixelArray
from embeddings.images import open_image
from indexer.catalog import BadRow, CatalogOptions, CatalogRow, open_catalog
from indexer.errors import SourceError, TaxonomyError
from indexer.tagging.fitting import Examples
from indexer.tagging.marks import marks_of_values
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["ExampleReport", "read_examples"]

# Images embedded at once.
_BATCH = 32

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ExampleReport:
    """What was read from a file of examples.

    Attributes:
        images: Number of images that were embedded.
        labelled: By group, number of images with a known label in its column.
        unknown: By group, values that are not a label or synonym, with how often they occur.
        bad: Rows and images that could not be used: line number and problem.
    """

    images: int
    labelled: Mapping[str, int]
    unknown: Mapping[str, Mapping[str, int]]
    bad: tuple[tuple[int, str], ...]


def read_examples(
    path: Path,
    encoder: Encoder,
    taxonomy: Taxonomy,
    columns: Mapping[str, str] | None = None,
    options: CatalogOptions | None = None,
    progress: Progress | None = None,
) -> tuple[Examples, ExampleReport]:
    """Read and embed examples.

    `marks_of_values` says what a value of a column may be.

    Args:
        path: A catalog file, as for `index build`.
        encoder: Embeds its images.
        taxonomy: Its groups are looked for among the columns.
        columns: Column by group; by default a group's column has its name. Groups without a column
            are skipped.
        options: How the catalog is read.
        progress: Called with the number of images that are done.

    Raises:
        CatalogError: The file is not a catalog.
        TaxonomyError: No group has a column, or no value is a label.
    """
    options = options or CatalogOptions()
    reader = _Reader(path, encoder, options)
    vectors, rows = reader.read(progress or (lambda _: None))
    truth, unknown = {}, {}
    for group, column in _columns(taxonomy, columns, rows).items():
        values = [row.get(column) for row in rows]
        truth[group.name], unknown[group.name] = marks_of_values(group, values)
    labelled = {name: int(marks.any(axis=1).sum()) for name, marks in truth.items()}
    if not any(labelled.values()):
        names = ", ".join(group.name for group in taxonomy.groups)
        raise TaxonomyError(
            f"{path.name}: no column has a label of {taxonomy.name}; name the columns after its "
            f"groups ({names}), and write its labels or their synonyms in them."
        )
    report = ExampleReport(len(rows), labelled, unknown, tuple(reader.bad))
    return Examples(vectors, truth), report


def _columns(
    taxonomy: Taxonomy, columns: Mapping[str, str] | None, rows: Sequence[Mapping[str, object]]
) -> dict[Group, str]:
    given = columns or {}
    for name in given:
        taxonomy.group(name)  # raises TaxonomyError if there is no such group
    present = set().union(*(row.keys() for row in rows)) if rows else set()
    named = {group: given.get(group.name, group.name) for group in taxonomy.groups}
    missing = [column for column in given.values() if column not in present]
    if missing:
        raise TaxonomyError(f"There is no column {missing[0]!r}, but {', '.join(sorted(present))}.")
    return {group: column for group, column in named.items() if column in present}


class _Reader:
    """Reads the first image of each row of a catalog, and embeds them batch by batch."""

    def __init__(self, path: Path, encoder: Encoder, options: CatalogOptions) -> None:
        self._path, self._encoder, self._options = path, encoder, options
        self.bad: list[tuple[int, str]] = []

    def read(self, progress: Progress) -> tuple[FloatArray, list[Mapping[str, object]]]:
        parts = [np.empty((0, self._encoder.spec.dim), np.float32)]
        pixels: list[PixelArray] = []
        rows: list[Mapping[str, object]] = []
        for row, image in self._images():
            rows.append(row.fields)
            pixels.append(image)
            if len(pixels) == _BATCH:
                parts.append(self._encoder.encode_images(np.stack(pixels)))
                pixels.clear()
                progress(len(rows))
        if pixels:
            parts.append(self._encoder.encode_images(np.stack(pixels)))
            progress(len(rows))
        return np.concatenate(parts), rows

    def _images(self) -> Iterator[tuple[CatalogRow, PixelArray]]:
        for row in open_catalog(self._path, self._options).rows():
            if isinstance(row, BadRow):
                self.bad.append((row.line, row.message))
                continue
            try:
                content = row.images[0].read(self._options.max_image_bytes)
                yield row, self._encoder.preprocess(open_image(content))
            except (SourceError, ImageError) as error:
                self.bad.append((row.line, error.message))
