"""Table catalogs: the records of a table, read as products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from indexer.catalog.fields import FieldType, FieldTyper, FieldValue, is_non_finite
from indexer.catalog.products.columns import MAX_FIELDS, check_columns
from indexer.catalog.products.field_values import product_fields
from indexer.catalog.products.image_cells import images_of
from indexer.catalog.products.roles import find_roles
from indexer.catalog.products.row_builder import Gallery, RawImage, RowBuilder
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Reason
from indexer.catalog.tables import BrokenRecord, Record, Roles, Table, TableDescription, Unreadable
from indexer.errors import RowError

__all__ = ["TableCatalog"]

# In a column of these types a NaN is a word, or no date among others.
_WITH_NAN = (None, FieldType.TEXT, FieldType.DATE)


class TableCatalog(Catalog):
    """The products of a table: one a record.

    Every column without a role becomes a field. A cell that spells NaN or an infinity makes its row
    bad if its column holds numbers or booleans, and is a word if the column holds words.

    Args:
        table: The table.
        options: How to read it.

    Raises:
        CatalogError: A column is missing, named twice, or of a type that can't have its role.
    """

    def __init__(self, table: Table, options: CatalogOptions) -> None:
        super().__init__(table.path, options)
        self._table = table
        self._roles = find_roles(table, options)
        self._products: int | None = None  # known once it was read to its end
        if table.columns is not None:
            check_columns(table, self._roles)
        table.check_roles(self._roles)
        self._builder = RowBuilder(options.folder or table.root, options, self._roles.id)
        self._id_column = self._roles.id
        self._role_names = self._roles.names
        self.untyped = table.untyped

    @property
    def count(self) -> int | None:
        """As `Table.count`."""
        return self._table.count

    @property
    def description(self) -> TableDescription:
        """What the table was recognised as."""
        return self._table.description

    @property
    def roles(self) -> Roles:
        """Which columns hold ids and images."""
        return self._roles

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised, and what was changed or passed over; each is one line."""
        kind = self.description
        if kind.feed and self._products is not None:
            many = "" if self._products == 1 else "s"
            kind = replace(kind, feed=f"{kind.feed}, {self._products:,} product{many}")
        return (f"{self.name} is read as {kind}", *self._table.notes)

    @cached_property
    def field_types(self) -> Mapping[str, FieldType] | None:
        """The fields' types if the table declares them, else None."""
        return self._table.field_types(self._roles)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Columns that can't be product fields (raw bytes) and are skipped."""
        return self._table.left_out(self._roles)

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        names = set(self._table.columns or ()) - self._roles.names
        products = 0
        for record in self._table.records(self._roles):
            row = self._row(record, names)
            products += isinstance(row, CatalogRow)
            yield row
        self._products = products

    def _row(self, record: Record | BrokenRecord, names: set[str]) -> CatalogRow | BadRow:
        values = record.values
        raw_id = _missing_if_nan(values.get(self._roles.id))
        if isinstance(record, BrokenRecord):
            return self._builder.bad_row(record.line, raw_id, record.problem)
        try:
            images = self._images(values)
            fields = product_fields(values, self._role_names, self._check_finite)
            _add_names(names, fields)
            if isinstance(raw_id, Unreadable):
                raise raw_id.problem(self._roles.id)
        except RowError as error:
            return self._builder.bad_row(record.line, raw_id, error)
        return self._builder.row(record.line, raw_id, images, fields)

    def _images(self, values: Mapping[str, object]) -> Gallery:
        """Return the images of a record."""
        images: list[tuple[str, RawImage]] = []
        for name in self._roles.images:
            value = values.get(name)
            if isinstance(value, Unreadable):
                raise value.problem(name)
            try:
                images += [(name, image) for image in images_of(value)]
            except RowError as error:
                raise error.at(name, value) from None
        return images

    def _check_finite(self, name: str, cell: str) -> None:
        """Refuse a cell that spells NaN or an infinity, if its column holds numbers."""
        if self.untyped and is_non_finite(cell) and self._types.get(name) not in _WITH_NAN:
            problem = RowError(
                Reason.NAN,
                f"column {quote_for_message(name)} holds values of type "
                f"{self._types[name].value} and here {quote_for_message(cell)}; leave the "
                "cell empty if there is no value",
            )
            raise problem.at(name, cell)

    @cached_property
    def _types(self) -> dict[str, FieldType]:
        """The columns' types, from a pass of their own; only a table with a NaN in it needs it."""
        typer = FieldTyper(parse_text=True)
        for record in self._table.records(self._roles):
            if isinstance(record, Record):
                typer.observe(product_fields(record.values))
        return typer.types()


def _missing_if_nan(raw_id: object) -> object:
    # Data frames write a missing id as "nan"; every product without an id would get that one.
    if isinstance(raw_id, str) and raw_id.strip().lower() == "nan":
        return None
    return raw_id


def _add_names(names: set[str], fields: dict[str, FieldValue]) -> None:
    if not names.issuperset(fields):
        if "" in fields:
            raise RowError(Reason.BAD_JSON, "a value has an empty name; name it")
        if len(names | fields.keys()) > MAX_FIELDS:
            raise RowError(
                Reason.TOO_MANY_FIELDS,
                f"with this row the catalog would have more than {MAX_FIELDS:,} fields; put "
                "rare ones into a list of texts",
            )
        names.update(fields)
