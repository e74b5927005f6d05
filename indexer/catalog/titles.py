"""Which of a catalog's fields is the product's title."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.catalog.fields import FieldType, ShownValue

__all__ = ["TITLE_FIELDS", "title_field", "title_of"]

TITLE_FIELDS = ("title", "name", "product_name", "product_title", "description")
"""Names of title fields, the best first; case does not matter."""


def title_field(types: Mapping[str, FieldType | str]) -> str | None:
    """The text field that holds the title, or None where no field is called so."""
    texts = {name.lower(): name for name, kind in types.items() if kind == FieldType.TEXT}
    return next((texts[name] for name in TITLE_FIELDS if name in texts), None)


def title_of(fields: Mapping[str, ShownValue]) -> str | None:
    """The title among a product's fields, or None where it has none."""
    values = {name.lower(): value for name, value in fields.items()}
    return next((str(values[name]) for name in TITLE_FIELDS if values.get(name)), None)
