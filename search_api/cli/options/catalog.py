"""The options of reading a catalog, which `index build` and `catalog inspect` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.options.expansion import shared_fields
from search_api.cli.options.parsing import name_value_pairs

if TYPE_CHECKING:
    from indexer.catalog import CatalogOptions, FieldType

__all__ = ["CatalogArgument", "CatalogArguments"]

CatalogArgument = Annotated[
    list[Path],
    typer.Argument(
        help="A folder of images, a file in one of the formats of catalogs, - for standard input, "
        "or several files, also as a pattern.",
        show_default=False,
    ),
]


@dataclass(frozen=True, kw_only=True)
class CatalogArguments:
    """How to read a catalog. Fields that `indexer.catalog.CatalogOptions` has keep their names."""

    id_column: Annotated[
        str | None,
        typer.Option(help="Column of the product ids; by default as found.", show_default=False),
    ] = None
    image_column: Annotated[
        str | None,
        typer.Option(help="Column of the images; by default as found.", show_default=False),
    ] = None
    image_root: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder outside the catalog's that images may be in; may be repeated.",
            show_default=False,
        ),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of a text file; by default as found.", show_default=False),
    ] = None
    delimiter: Annotated[
        str | None,
        typer.Option(
            help="Character between the cells of a text file; by default as found.",
            show_default=False,
        ),
    ] = None

    types: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TYPE",
            help="Type of a field: number, integer, boolean, date, text, or of a list: labels, "
            "numbers; may be repeated.",
            show_default=False,
        ),
    ] = None
    sheet: Annotated[
        str | None,
        typer.Option(
            help="Sheet of a spreadsheet, or table of an SQLite file; by default the first sheet, "
            "or the only table.",
            show_default=False,
        ),
    ] = None

    def catalog_options(self) -> CatalogOptions:
        """Return the options of the catalog."""
        from indexer.catalog import CatalogOptions

        return CatalogOptions(
            **{**shared_fields(self, CatalogOptions), "types": self._field_types()},
            image_roots=tuple(self.image_root or ()),
        )

    def _field_types(self) -> dict[str, FieldType]:
        from indexer.catalog import FieldType

        kinds = {"number": FieldType.FLOAT, **{kind.value: kind for kind in FieldType}}
        given = name_value_pairs("--types", self.types or ())
        for name, kind in given.items():
            if kind not in kinds:
                console.fail(f"--types {name} is one of {', '.join(kinds)}, not {kind!r}.")
        return {name: kinds[kind] for name, kind in given.items()}
