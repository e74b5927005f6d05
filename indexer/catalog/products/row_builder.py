"""Row builder: turns the values of one row into a `CatalogRow`, or a `BadRow` with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from indexer.catalog.fields import FieldValue
from indexer.catalog.images import ImageFinder, ImageSource, embedded_image
from indexer.catalog.product_ids import clean_id
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow, CatalogOptions, CatalogRow, Reason
from indexer.errors import RowError

__all__ = ["RawImage", "RowBuilder"]

RawImage = str | bytes | None
"""An image as a row gives it: a path or URL, the bytes themselves, or nothing."""


class RowBuilder:
    """Checks the id and the images of every row of a catalog.

    Args:
        root: The folder that paths of images are relative to.
        options: How to read the catalog.
    """

    def __init__(self, root: Path, options: CatalogOptions) -> None:
        self._finder = ImageFinder(root, options.image_roots, max_bytes=options.max_image_bytes)
        self._options = options

    def row(
        self,
        line: int,
        raw_id: object,
        images: list[RawImage],
        fields: Mapping[str, FieldValue],
    ) -> CatalogRow | BadRow:
        """Make a row of its values; one image that can't be used makes the row bad."""
        product_id: str | None = None
        try:
            product_id = clean_id(raw_id)
            sources = self._sources(images)
        except RowError as error:
            if product_id is None and isinstance(raw_id, str):
                return BadRow(line, quote_for_message(raw_id), error.reason, error.message)
            return BadRow(line, product_id, error.reason, error.message)
        return CatalogRow(line, product_id, sources, fields)

    def bad_row(self, line: int, raw_id: object, problem: RowError) -> BadRow:
        """Make a bad row of a problem that is known already; with its id, if that is valid."""
        try:
            product_id = clean_id(raw_id)
        except RowError:
            product_id = None
        return BadRow(line, product_id, problem.reason, problem.message)

    def _sources(self, images: list[RawImage]) -> tuple[ImageSource, ...]:
        if not images:
            raise RowError(Reason.NO_IMAGE, "the row has no image; give a path")
        return tuple(self._source(image) for image in images)

    def _source(self, image: RawImage) -> ImageSource:
        if image is None:
            raise RowError(
                Reason.NO_IMAGE, "the row has no image, or a gap in its list; give a path"
            )
        if isinstance(image, bytes):
            return embedded_image(image, self._options.max_image_bytes)
        return self._finder.find(image)
