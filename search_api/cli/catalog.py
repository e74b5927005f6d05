"""`lookalike catalog inspect`: what would be read of a catalog."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from search_api import console
from search_api.cli.options import CatalogArgument, CatalogArguments, JsonOption, expand_arguments

if TYPE_CHECKING:
    from indexer.catalog import Catalog, CatalogOptions, FieldType

__all__ = ["catalog_app", "catalog_inspect", "show_inspection"]

catalog_app = typer.Typer(help="Look at a catalog before it is indexed.", no_args_is_help=True)


@catalog_app.command("inspect")
@expand_arguments
def catalog_inspect(
    *,
    catalog: CatalogArgument,
    reading: CatalogArguments,
    as_json: JsonOption = False,
) -> None:
    """Show what would be read: format, columns, types, three products, rows refused."""
    from indexer.catalog import open_catalog

    options = reading.catalog_options()
    show_inspection(open_catalog(catalog, options), options, as_json=as_json)


def show_inspection(
    catalog: Catalog, options: CatalogOptions, *, index: Path | None = None, as_json: bool
) -> None:
    """Inspect a catalog and print what was understood of it.

    Args:
        catalog: The catalog.
        options: How it was opened.
        index: The index that is to be updated, whose fields keep their types.
        as_json: Print one JSON object.
    """
    from indexer.catalog import inspect_catalog

    inspection = inspect_catalog(
        catalog, forced=options.types, former=_former_types(index) if index is not None else None
    )
    if as_json:
        console.print_json(asdict(inspection))
    else:
        console.print_inspection(inspection)


def _former_types(index: Path) -> dict[str, FieldType]:
    from indexer import DamagedIndexError, NoIndexError
    from indexer.catalog import FieldType
    from indexer.index import Index

    try:
        fields = Index.open(index).manifest.fields
    except (NoIndexError, DamagedIndexError):
        return {}
    return {name: FieldType(kind) for name, kind in fields.items()}
