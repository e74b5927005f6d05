"""Row builder: turns the values of one row into a `CatalogRow`, or a `BadRow` with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from indexer.catalog.fields import FieldValue
from indexer.catalog.images import ImageFinder, ImageSource, StoredImageFinder, embedded_image
from indexer.catalog.product_ids import clean_id
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow, CatalogOptions, CatalogRow, Reason
from indexer.errors import RowError

__all__ = ["Gallery", "RawImage", "RowBuilder"]

RawImage = str | bytes | None
"""An image as a row gives it: a path or URL, the bytes themselves, or nothing."""

Gallery = Sequence[tuple[str, RawImage]]
"""The images of a row, each with its column."""


class RowBuilder:
    """Checks the id and the images of every row of a catalog.

    Args:
        root: The folder that paths of images are relative to; text is an address of object storage.
        options: How to read the catalog.
        id_column: The column of ids, for the list of what was refused.
    """

    def __init__(self, root: Path | str, options: CatalogOptions, id_column: str) -> None:
        self._finder: ImageFinder | StoredImageFinder
        if isinstance(root, str):
            self._finder = StoredImageFinder(root)
        else:
            self._finder = ImageFinder(root, options.image_roots, max_bytes=options.max_image_bytes)
        self._options = options
        self._id_column = id_column

    def row(
        self,
        line: int,
        raw_id: object,
        images: Gallery,
        fields: Mapping[str, FieldValue],
    ) -> CatalogRow | BadRow:
        """Make a row of its values; one image that can't be used makes the row bad."""
        try:
            product_id = clean_id(raw_id)
        except RowError as error:
            shown = quote_for_message(raw_id) if isinstance(raw_id, str) else None
            return BadRow.of(line, shown, error.at(self._id_column, raw_id))
        try:
            return CatalogRow(line, product_id, self._sources(images), fields)
        except RowError as error:
            return BadRow.of(line, product_id, error)

    def bad_row(self, line: int, raw_id: object, problem: RowError) -> BadRow:
        """Make a bad row of a problem that is known already; with its id, if that is valid."""
        try:
            product_id = clean_id(raw_id)
        except RowError:
            product_id = None
        return BadRow.of(line, product_id, problem)

    def _sources(self, images: Gallery) -> tuple[ImageSource, ...]:
        if not images:
            raise RowError(Reason.NO_IMAGE, "the row has no image; give a path")
        found = []
        for column, image in images:
            try:
                found.append(self._source(image))
            except RowError as error:
                raise error.at(column, image) from None
        return tuple(found)

    def _source(self, image: RawImage) -> ImageSource:
        if image is None:
            raise RowError(
                Reason.NO_IMAGE, "the row has no image, or a gap in its list; give a path"
            )
        if isinstance(image, bytes):
            return embedded_image(image, self._options.max_image_bytes)
        return self._finder.find(image)
