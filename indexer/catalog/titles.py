"""Titles: which field of a product holds its title."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath

from indexer.catalog.fields import FieldType, FieldValue, without_markup
from indexer.catalog.products import plain_column

__all__ = ["TITLE_FIELDS", "stored_title", "title_field", "title_of", "title_of_file"]

TITLE_FIELDS = (
    "title", "name", "product_name", "product_title", "item_name", "titel", "titre", "titulo",
    "produktname", "artikelname", "bezeichnung", "artikelbezeichnung", "produktbezeichnung",
    "produkttitel", "nom", "nom_produit", "nom_du_produit", "designation", "nombre",
    "nombre_producto", "nombre_del_producto", "caption", "description", "beschreibung",
    "descripcion",
)  # fmt: skip
"""Names of title fields, best first, as `plain_column` gives them."""


# Names that cameras, phones and programs give, which say nothing of what a picture shows.
_CAMERA_WORD = re.compile(
    r"(?:img|images?|dsc[nf]?|pic|picture|photo|pxl|mvimg|wa|vid|screenshot|screen|shot|scan"
    r"|untitled|unnamed|copy|final|thumb|thumbnail|jpe?g|png)\d*",
    re.IGNORECASE,
)
# Eight or more digits and letters from a to f, perhaps with dashes: hashes and UUIDs.
_HASH = re.compile(r"\b(?=[a-f-]*\d)[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b", re.IGNORECASE)
# Where a name in camel case is parted.
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def title_field(types: Mapping[str, FieldType | str]) -> str | None:
    """Return the text field that holds the title, or None if no field has such a name."""
    texts = {_plain(name): name for name, kind in types.items() if kind == FieldType.TEXT}
    return next((texts[name] for name in TITLE_FIELDS if name in texts), None)


def title_of(fields: Mapping[str, FieldValue]) -> str | None:
    """Return the words of the title among a product's fields, or None if it has none."""
    title = stored_title(fields)
    return None if title is None else without_markup(title).strip() or None


def stored_title(fields: Mapping[str, FieldValue]) -> str | None:
    """Return the title among a product's fields as it is stored, or None if it has none.

    To be shown where every text of a catalog is shown as it is.
    """
    values = {_plain(name): value for name, value in fields.items()}
    found = next((values[name] for name in TITLE_FIELDS if values.get(name)), None)
    if isinstance(found, list):
        return ", ".join(map(str, found))
    return None if found is None else str(found)


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return plain_column(name)


def title_of_file(path: str) -> str | None:
    """Return the name of a file as words, or None if it says nothing.

    >>> title_of_file("summer/red-floral_dress 02.jpg")
    'red floral dress 02'
    >>> title_of_file("IMG_20260114_093012.jpg")
    """
    name = PurePosixPath(path).stem
    words = re.split(r"[\s_+.,;-]+", _HUMP.sub(" ", _HASH.sub(" ", name)))
    words = [word for word in words if word]
    meant = (
        word
        for word in words
        if not _CAMERA_WORD.fullmatch(word) and sum(map(str.isalpha, word)) > 1
    )
    return " ".join(words) if any(meant) else None
