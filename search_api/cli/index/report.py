"""`lookalike index report`: a page about the quality of an index's catalog."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.opening import ComputeArguments, check_output, load_encoder, write_page
from search_api.cli.options import (
    IndexOption,
    JsonOption,
    ModelOption,
    expand_arguments,
)

if TYPE_CHECKING:
    from embeddings import Encoder
    from indexer.quality import CatalogHealth

__all__ = ["index_report", "write_report"]


@expand_arguments
def index_report(
    *,
    index: IndexOption,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The HTML file to write.", show_default=False),
    ] = None,
    faces: Annotated[
        bool,
        typer.Option("--faces", help="Look for faces in images that the build did not look at."),
    ] = False,
    model: ModelOption = None,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Write a page about the catalog's quality: wrong titles, duplicate images, missing values."""
    from indexer.index import Index

    if output is None and not as_json:
        console.fail("Name the page to write with --output report.html, or use --json.")
    if output is not None:
        check_output(output)
    name = model or Index.open(index).manifest.encoder.name
    health = write_report(index, load_encoder(name, compute), output, faces=faces)
    if as_json:
        console.print_json(asdict(health))


def write_report(
    index: Path, encoder: Encoder, output: Path | None, *, faces: bool = False
) -> CatalogHealth:
    """Examine the live generation of an index, and write the page unless `output` is None."""
    from indexer.index import Index
    from indexer.quality import examine

    opened = Index.open(index)
    with console.StepBar() as bar:
        health = examine(opened, index, encoder, bar.update, faces=faces)
    if output is not None:
        from search_api.reports import render_report

        write_page(output, render_report(health, opened, datetime.now(UTC).astimezone().date()))
    return health
