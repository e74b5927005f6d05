"""WooCommerce's CSV export: variable products, their variations, and images in one cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from indexer.catalog.feeds.feed_table import GROUP, FeedTable, split_urls, text_of
from indexer.catalog.tables import BrokenRecord, Record, Roles, Table

__all__ = ["WooCommerceCsv", "is_woocommerce_csv"]

# The shop exports in its own language: English, German, French, Spanish. In lower case.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id",),
    "type": ("type", "typ", "tipo"),
    "sku": ("sku", "artikelnummer", "ugs"),
    "name": ("name", "nom", "nombre"),
    "images": ("images", "bilder", "im\u00e1genes"),
    "parent": ("parent", "\u00fcbergeordnetes produkt", "superior"),
    "categories": ("categories", "kategorien", "cat\u00e9gories", "categor\u00edas"),
    "tags": ("tags", "schlagw\u00f6rter", "\u00e9tiquettes", "etiquetas"),
    "description": ("description", "beschreibung", "descripci\u00f3n"),
    "short description": ("short description", "kurzbeschreibung", "description courte",
                          "descripci\u00f3n corta"),
    "brands": ("brands", "marken", "marques", "marcas"),
}  # fmt: skip
_REQUIRED = ("type", "sku", "name", "images")
# What a variation takes from its parent where it has none of its own.
_INHERITED = ("images", "name", "categories", "tags", "description", "short description", "brands")
# What stands around the number in the columns of an attribute, after `_plain`.
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "name": ("attribute {} name", "attribut {} name", "nom de l'attribut {}",
             "nombre del atributo {}"),
    "value": ("attribute {} value(s)", "attribut {} wert(e)", "valeur(s) de l'attribut {}",
              "valor(es) del atributo {}"),
    "left out": ("attribute {} visible", "attribut {} sichtbar", "attribut {} visible",
                 "atributo visible {}", "attribute {} global", "attribut {} global",
                 "atributo global {}", "attribute {} default", "attribut {} standard"),
}  # fmt: skip
_NUMBER = re.compile(r"\d+")


def is_woocommerce_csv(columns: Iterable[str]) -> bool:
    """Whether a table has the columns of WooCommerce's export of products, in some language."""
    return all(name in _found(columns) for name in _REQUIRED)


class WooCommerceCsv(FeedTable):
    """WooCommerce's export of products: simple and variable products, and variations.

    A variation is of its parent's group, and has the parent's images if it has none of its own.
    Columns keep the names that the shop gives them, in its language.

    Args:
        table: The rows; a parent stands above its variations, as the shop exports them.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table, "WooCommerce export")
        self._columns = _found(table.columns or ())
        self._attributes = _Attributes(table.columns or ())
        self._id = self._columns.get("id", self._columns["sku"])
        self.roles = Roles(self._id, (self._columns["images"],))

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        columns, parents = self._columns, dict[str, dict[str, object]]()
        for record in self._table.records():
            if isinstance(record, BrokenRecord):
                yield record
                continue
            values = dict(record.values)
            sku = text_of(values.get(columns["sku"]))
            if not text_of(values.get(self._id)):
                values[self._id] = sku
            product_id = text_of(values.get(self._id))
            values[columns["images"]] = split_urls(values.get(columns["images"]))
            kind = text_of(values.get(columns["type"])).lower()
            if kind.startswith("variable"):
                values[GROUP] = product_id
                kept = [columns[name] for name in _INHERITED if name in columns]
                parent = {name: values[name] for name in (*kept, GROUP) if name in values}
                parents[f"id:{product_id}"] = parents[sku or product_id] = parent
            elif kind.startswith("variation"):
                self._inherit(values, parents)
            yield Record(record.line, self._attributes.as_fields(values))

    def _inherit(self, values: dict[str, object], parents: Mapping[str, dict[str, object]]) -> None:
        reference = text_of(values.get(self._columns.get("parent", "")))
        parent = parents.get(reference, {GROUP: reference.removeprefix("id:")})
        for name, value in parent.items():
            if not values.get(name):
                values[name] = value


class _Attributes:
    """The columns of attributes: each has one for its name and one for its values.

    Args:
        columns: Names of all columns.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        kinds = {form: kind for kind, forms in _ATTRIBUTES.items() for form in forms}
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._left_out: list[str] = []
        for column in columns:
            number = _NUMBER.search(column)
            kind = kinds.get(_NUMBER.sub("{}", _plain(column), count=1)) if number else None
            if number is None or kind is None:
                continue
            if kind == "left out":
                self._left_out.append(column)
            else:
                (self._names if kind == "name" else self._values)[number.group()] = column

    def as_fields(self, values: dict[str, object]) -> dict[str, object]:
        """Make one field of the columns of each attribute: it is called as the attribute is."""
        for column in self._left_out:
            values.pop(column, None)
        for number, column in self._names.items():
            name = text_of(values.pop(column, None))
            value = values.pop(self._values.get(number, ""), None)
            if name and text_of(value):
                values[name if name not in values else f"attribute {name}"] = value
        return values


def _plain(column: str) -> str:
    return " ".join(column.casefold().replace("\u2019", "'").split())


def _found(columns: Iterable[str]) -> dict[str, str]:
    """Return the columns by their names in English, in lower case."""
    plain = {_plain(column): column for column in columns}
    found: dict[str, str] = {}
    for name, spellings in _COLUMNS.items():
        column = next((plain[spelling] for spelling in spellings if spelling in plain), None)
        if column is not None:
            found[name] = column
    return found
