"""Shopify's CSV export: rows of one handle are one product, with variants and images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from indexer.catalog.feeds.feed_table import FeedTable, text_of
from indexer.catalog.feeds.variants import IMAGES, Variant, variant_records
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables import BrokenRecord, Record, Roles, Table
from indexer.errors import RowError

__all__ = ["ShopifyCsv", "is_shopify_csv"]

_HANDLES = ("handle", "url handle")
_IMAGES = ("image src", "product image url")
_POSITIONS = ("image position",)
_VARIANT_IMAGES = ("variant image", "variant image url")
_SKUS = ("variant sku", "sku")
# Columns that say nothing of a product, or that become ids, images and options.
_USED = frozenset({*_HANDLES, *_IMAGES, *_POSITIONS, *_VARIANT_IMAGES, "image alt text"})
# Columns with which a row is a variant, and not only another image.
_OF_VARIANTS = ("option1 value", "variant price", "price", *_SKUS)
_OWN = ("variant ", "cost per item", "compare-at price")
_OWN_NAMES = frozenset({"sku", "price", "barcode", "weight value (grams)", "inventory quantity"})


def is_shopify_csv(columns: Iterable[str]) -> bool:
    """Whether a table has the columns of Shopify's export of products."""
    names = {name.strip().lower() for name in columns}
    return bool(names & set(_HANDLES) and names & set(_IMAGES) and "title" in names) and any(
        name.startswith(("option1", "variant")) for name in names
    )


class ShopifyCsv(FeedTable):
    """Shopify's export of products; every variant is a record.

    Args:
        table: The rows.
    """

    roles = Roles("id", (IMAGES,))

    def __init__(self, table: Table) -> None:
        super().__init__(table, "Shopify export")
        names = {name.strip().lower(): name for name in table.columns or ()}
        self._names = names
        self._handle = next(names[name] for name in _HANDLES if name in names)

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`; rows of one handle stand together."""
        seen: set[int] = set()
        rows = map(_without_marks, self._table.records())
        for handle, group in groupby(rows, lambda row: text_of(row.values.get(self._handle))):
            good: list[Record] = []
            for row in group:
                if isinstance(row, BrokenRecord):
                    yield row
                else:
                    good.append(row)
            if not good:
                continue
            problem = self._problem(handle, good[0], seen)
            if problem is not None:
                yield from (BrokenRecord(row.line, problem, {"id": handle}) for row in good)
            else:
                seen.add(hash(handle))
                yield from self._product(handle, good)

    def _problem(self, handle: str, first: Record, seen: set[int]) -> RowError | None:
        if not handle:
            return RowError(Reason.MISSING_ID, "the row has no handle; give every product one")
        if hash(handle) in seen:
            return RowError(
                Reason.DUPLICATE_ID,
                f"rows of the handle {quote_for_message(handle)} stand further up; put all rows of "
                "one product together",
            )
        if not self._text(first, ("title",)):
            return RowError(
                Reason.BAD_VALUE,
                f"the first row of the handle {quote_for_message(handle)} has no title; export the "
                "products again, with the rows of each together",
            )
        return None

    def _product(self, handle: str, rows: list[Record]) -> list[Record]:
        first = rows[0]
        shared = {
            name: value
            for lower, name in self._names.items()
            if lower not in _USED and not _is_own(lower) and (value := first.values.get(name))
        }
        images = [
            (self._text(row, _POSITIONS), place, image)
            for place, row in enumerate(rows)
            if (image := self._text(row, _IMAGES))
        ]
        images.sort(key=lambda found: (int(found[0]) if found[0].isdecimal() else 10**6, found[1]))
        gallery = list(dict.fromkeys(image for _, _, image in images))
        variants = [
            self._variant(first, row)
            for row in rows
            if row is first or any(self._text(row, (name,)) for name in _OF_VARIANTS)
        ]
        return variant_records(handle, shared | {"handle": handle}, variants, gallery)

    def _variant(self, first: Record, row: Record) -> Variant:
        options = {}
        for number in (1, 2, 3):
            # Only the first row names the options.
            name = self._text(first, (f"option{number} name",)) or f"option{number}"
            if chosen := self._text(row, (f"option{number} value",)):
                options[name] = chosen
        return Variant(
            row.line,
            self._text(row, _SKUS),
            options,
            self._text(row, _VARIANT_IMAGES),
            {
                name: value
                for lower, name in self._names.items()
                if _is_own(lower)
                and lower not in _USED
                and (value := row.values.get(name))
                and not lower.startswith("option")
            },
        )

    def _text(self, row: Record, names: Iterable[str]) -> str:
        for name in names:
            if text := text_of(row.values.get(self._names.get(name, ""))):
                return text
        return ""


def _without_marks(row: Record | BrokenRecord) -> Record | BrokenRecord:
    """Remove the mark that Shopify puts before numbers, so that spreadsheets leave them alone."""
    if isinstance(row, BrokenRecord):
        return row
    values = {
        name: value[1:] if isinstance(value, str) and value.startswith("'") else value
        for name, value in row.values.items()
    }
    return Record(row.line, values)


def _is_own(column: str) -> bool:
    """Whether a column is a variant's own, and not the product's."""
    return column in _OWN_NAMES or column.startswith(("option", *_OWN))
