"""From the values of one row to a `CatalogRow`, or a `BadRow` that says why not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from indexer.catalog.fields import FieldValue
from indexer.catalog.image_sources import ImageSource, embedded_image, find_image
from indexer.catalog.product_ids import clean_id
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow, CatalogOptions, CatalogRow, Reason
from indexer.errors import RowError

__all__ = ["Assembler", "RawImage"]

RawImage = str | bytes | None


class Assembler:
    """Checks rows of one catalog: the id, and every picture's place.

    Args:
        path: The catalog file; paths of pictures are relative to its folder.
        options: How the catalog is read.
    """

    def __init__(self, path: Path, options: CatalogOptions) -> None:
        self._root = path.parent.resolve()
        self._options = options

    def row(
        self,
        line: int,
        raw_id: object,
        images: list[RawImage],
        fields: Mapping[str, FieldValue],
    ) -> CatalogRow | BadRow:
        """Make a row of its values; one picture that can't be used makes the row bad."""
        product_id: str | None = None
        try:
            product_id = clean_id(raw_id)
            sources = tuple(self._source(image) for image in images)
            if not sources:
                raise RowError(Reason.NO_IMAGE, "the row has no picture; give a path")
        except RowError as error:
            named = (
                quote_for_message(raw_id)
                if product_id is None and isinstance(raw_id, str)
                else product_id
            )
            return BadRow(line, named or None, error.reason, error.message)
        return CatalogRow(line, product_id, sources, fields)

    def broken(self, line: int, raw_id: object, problem: RowError) -> BadRow:
        """Make a bad row whose trouble was found before; its id is given where it is one."""
        try:
            product_id = clean_id(raw_id)
        except RowError:
            product_id = None
        return BadRow(line, product_id, problem.reason, problem.message)

    def _source(self, image: RawImage) -> ImageSource:
        if image is None:
            raise RowError(
                Reason.NO_IMAGE, "the row has no picture, or a gap in its list; give a path"
            )
        if isinstance(image, bytes):
            return embedded_image(image, self._options.max_image_bytes)
        return find_image(self._root, image, self._options.max_image_bytes)
