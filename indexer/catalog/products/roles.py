"""Roles of columns: which one holds ids, and which ones images, by name or else by content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from indexer.catalog.products.column_names import id_rank, image_rank
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import CatalogOptions
from indexer.catalog.tables import Record, Roles, Table
from indexer.errors import CatalogError

__all__ = ["find_roles"]

_SAMPLE = 200
# The column of Datasets' folders of images, whose products have no other id.
_FILE_NAME = ("file_name",)
_MOST_NAMED = 20
# Ids by their content: fewer rows say nothing.
_LEAST_ROWS = 3
_MOST_ID_CHARACTERS = 64
# Share of a column's values that look like images.
_IMAGES = 0.8
_IMAGE = re.compile(
    r"(?:https?://\S+|[^\n]*\.(?:jpe?g|png|webp|gif|bmp|tiff?|avif|heic))", re.IGNORECASE
)


def find_roles(table: Table, options: CatalogOptions) -> Roles:
    """Find the columns of ids and images.

    They are those that the options name, else those of the format, else those whose names are known
    in any case and spelling, else those that hold what ids and images look like.

    Raises:
        CatalogError: There is no such column, or several could be; the message names them.
    """
    sample = [record for record in islice(table.records(), _SAMPLE) if isinstance(record, Record)]
    named = table.columns or list(dict.fromkeys(n for record in sample for n in record.values))
    known = table.roles
    finder = _Finder(table, list(named), sample)
    images = _images(options, known) or finder.images()
    product_id = options.id_column or (known.id if known else None) or finder.id(images)
    return Roles(product_id, images)


def _images(options: CatalogOptions, known: Roles | None) -> tuple[str, ...]:
    if options.image_column is not None:
        return (options.image_column,)
    return known.images if known is not None else ()


class _Finder:
    """Finds columns of one table.

    Args:
        table: The table.
        columns: Its columns.
        sample: Its first records.
    """

    def __init__(self, table: Table, columns: Sequence[str], sample: Sequence[Record]) -> None:
        self._table = table
        self._columns = columns
        self._sample = sample

    def images(self) -> tuple[str, ...]:
        ranked = [(found, name) for name in self._columns if (found := image_rank(name))]
        if ranked:
            best = min(ranked, key=lambda entry: entry[0][1:])[0][0]
            # `image_1, image_2`, and further images beside them; not `image` beside `photo`.
            chosen = [(found, name) for found, name in ranked if found[0] in (best, "")]
            return tuple(name for _, name in sorted(chosen, key=lambda entry: entry[0][1:]))
        holding = [name for name in self._columns if self._holds_images(name)]
        if len(holding) == 1 or self._table.columns is None:
            return tuple(holding[:1]) or ("image",)
        raise self._unknown("image", "--image-column", holding)

    def id(self, images: Sequence[str]) -> str:
        ranked = [
            (rank, at, name)
            for at, name in enumerate(self._columns)
            if (rank := id_rank(name)) is not None and name not in images
        ]
        if ranked:
            return min(ranked)[2]
        if tuple(images) == _FILE_NAME:
            return images[0]
        found = [name for name in self._columns if name not in images and self._holds_ids(name)]
        if len(found) == 1 or self._table.columns is None:
            return found[0] if len(found) == 1 else "id"
        raise self._unknown("id", "--id-column", found)

    def _unknown(self, what: str, flag: str, candidates: Sequence[str]) -> CatalogError:
        table = quote_for_message(self._table.name)
        if candidates:
            return CatalogError(
                f"{table} has no column {what!r}, and several could be it: "
                f"{_listed(candidates)}; name the right one with {flag}"
            )
        return CatalogError(
            f"{table} has no column {what!r}; its columns are {_listed(self._columns)}; rename one,"
            f" or name the right one with {flag} (the file was read as {self._table.description})"
        )

    def _values(self, name: str) -> list[object]:
        values = (record.values.get(name) for record in self._sample)
        return [value for value in values if value not in (None, "")]

    def _holds_images(self, name: str) -> bool:
        values = self._values(name)
        return bool(values) and sum(map(_is_image, values)) >= _IMAGES * len(values)

    def _holds_ids(self, name: str) -> bool:
        values = self._values(name)
        texts = [str(value).strip() for value in values if isinstance(value, str | int)]
        if len(texts) < max(_LEAST_ROWS, len(self._sample)) or len(set(texts)) < len(texts):
            return False
        return all(
            len(text) <= _MOST_ID_CHARACTERS and " " not in text and any(map(str.isdigit, text))
            for text in texts
        )


def _is_image(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_is_image, value))
    if isinstance(value, dict):
        return isinstance(value.get("bytes"), bytes) or any(
            isinstance(value.get(name), str) and _is_image(value[name]) for name in ("url", "src")
        )
    return isinstance(value, bytes) or (
        isinstance(value, str) and _IMAGE.fullmatch(value.strip()) is not None
    )


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return ", ".join(map(quote_for_message, names[:_MOST_NAMED])) + more
