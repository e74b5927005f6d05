"""Titles: which field of a product holds its title."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from indexer.catalog.fields import FieldType, FieldValue, without_markup
from indexer.catalog.products import plain_column

__all__ = ["TITLE_FIELDS", "stored_title", "title_field", "title_of"]

TITLE_FIELDS = (
    "title", "name", "product_name", "product_title", "item_name", "titel", "titre", "titulo",
    "produktname", "artikelname", "bezeichnung", "artikelbezeichnung", "produktbezeichnung",
    "produkttitel", "nom", "nom_produit", "nom_du_produit", "designation", "nombre",
    "nombre_producto", "nombre_del_producto", "caption", "description", "beschreibung",
    "descripcion",
)  # fmt: skip
"""Names of title fields, best first, as `plain_column` gives them."""


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
