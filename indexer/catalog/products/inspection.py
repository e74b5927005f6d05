"""Inspection: what would be read of a catalog, and how, without a model or an index."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from indexer.catalog.fields import FieldType, FieldTyper, FieldValue
from indexer.catalog.products.table_catalog import TableCatalog
from indexer.catalog.rows import BadRow, Catalog, CatalogRow, Place

__all__ = ["CatalogInspection", "InspectedProduct", "inspect_catalog"]

_SHOWN = 3
_REFUSED_SHOWN = 20
# Rows that are read in any case; then as many as the time allows.
_LEAST_ROWS = 1000
_SECONDS = 1.0


@dataclass(frozen=True)
class InspectedProduct:
    """A product as it would be indexed.

    Attributes:
        line: As in `CatalogRow`.
        id: Its id.
        images: Paths or URLs of its images; empty for bytes in the catalog.
        fields: Its fields, in their types, without those that have no value.
        file: The file that the line is in, where there are several.
    """

    line: int
    id: str
    images: tuple[str, ...]
    fields: Mapping[str, FieldValue]
    file: str | None = None


@dataclass(frozen=True)
class CatalogInspection:
    """What was understood of a catalog.

    Attributes:
        catalog: Name of the file or folder.
        format: `format`, `encoding`, `delimiter`, `compression`, `part`, `feed`: those that apply.
        id_column: The column of ids; None for a folder of images.
        image_columns: The columns of images.
        types: The type of every field.
        rows: Rows that were read.
        complete: Whether these are all rows; a large catalog is read for a second.
        products: The first products.
        reasons: Number of rows that would be refused, by reason.
        refused: The first of them.
        notes: What was changed or passed over, and values that do not fit their fields.
    """

    catalog: str
    format: Mapping[str, str]
    id_column: str | None
    image_columns: tuple[str, ...]
    types: Mapping[str, str]
    rows: int
    complete: bool
    products: tuple[InspectedProduct, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()


def inspect_catalog(
    catalog: Catalog,
    *,
    forced: Mapping[str, FieldType] | None = None,
    former: Mapping[str, FieldType] | None = None,
    seconds: float = _SECONDS,
) -> CatalogInspection:
    """Read a catalog for about a second. Images are found, but not opened or fetched.

    Args:
        catalog: The catalog.
        forced: Types that the user decided.
        former: Types that the fields have in the index.
        seconds: How long to read; a thousand rows are read in any case.

    Raises:
        CatalogError: The file disappeared, or is damaged.
    """
    typer = FieldTyper(
        parse_text=catalog.untyped,
        known=catalog.field_types,
        former=former,
        forced=forced,
        place=catalog.place,
    )
    first: list[CatalogRow] = []
    refused: list[BadRow] = []
    reasons = Counter[str]()
    read, complete, end = 0, True, time.monotonic() + seconds
    for row in catalog.rows():
        if read >= _LEAST_ROWS and time.monotonic() > end:
            complete = False
            break
        read += 1
        if isinstance(row, BadRow):
            reasons[row.reason] += 1
            if len(refused) < _REFUSED_SHOWN:
                line, file = catalog.place(row.line)
                refused.append(replace(row, line=line, file=file))
        else:
            typer.observe(row.fields, row.line, row.id)
            if len(first) < _SHOWN:
                first.append(row)
    table = catalog if isinstance(catalog, TableCatalog) else None
    described = asdict(table.description) if table is not None else {"format": "folder of images"}
    return CatalogInspection(
        catalog=catalog.name,
        format={name: value for name, value in described.items() if value},
        id_column=table.roles.id if table is not None else None,
        image_columns=table.roles.images if table is not None else (),
        types={name: kind.value for name, kind in typer.types().items()},
        rows=read,
        complete=complete,
        products=tuple(_product(row, typer, catalog.place(row.line)) for row in first),
        reasons=dict(reasons.most_common()),
        refused=tuple(refused),
        notes=(*catalog.notes, *typer.notes()),
    )


def _product(row: CatalogRow, typer: FieldTyper, place: Place) -> InspectedProduct:
    images = tuple(image.location for image in row.images)
    return InspectedProduct(place.line, row.id, images, typer.stored(row.fields), place.file)
