"""`lookalike index build`: an index from a catalog."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embeddings import DEFAULT_MODEL, stronger_than
from search_api import console
from search_api.cli.catalog import show_inspection
from search_api.cli.index.report import write_report
from search_api.cli.opening import ComputeArguments, check_output, load_encoder
from search_api.cli.options import (
    BuildArguments,
    CatalogArgument,
    IndexOption,
    JsonOption,
    NewModelOption,
    expand_arguments,
)

if TYPE_CHECKING:
    from indexer.build import BuildReport

__all__ = ["index_build"]


@expand_arguments
def index_build(
    *,
    catalog: CatalogArgument,
    index: IndexOption,
    model: NewModelOption = DEFAULT_MODEL,
    build: BuildArguments,
    compute: ComputeArguments,
    report_to: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write a report of the catalog's quality to FILE.html.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be read, as catalog inspect does."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Build an index from a catalog, or update an existing one."""
    from indexer.build import build_index
    from indexer.catalog import open_catalog

    if report_to is not None:
        check_output(report_to)
    options = build.build_options()
    opened = open_catalog(catalog, options.catalog)  # fails before the model is loaded
    if dry_run:
        show_inspection(opened, options.catalog, index=index, as_json=as_json)
        return
    encoder = load_encoder(model, compute)
    with console.BuildBar(encoder.spec) as bar:
        report = build_index(opened, index, encoder, options, bar.update)
    if as_json:
        console.print_json(_summary(report, index))
    else:
        console.print_build(report, index)
    if report_to is not None:
        write_report(index, encoder, report_to)
    if (stronger := stronger_than(model)) is not None:
        console.note(
            f"A stronger model is available ({stronger.download_mb} MB to download): "
            f"--model {stronger.name}"
        )


def _summary(report: BuildReport, index: Path) -> dict[str, Any]:
    """What `--json` prints."""
    return {**asdict(report), "quarantine_file": str(index / "quarantine.jsonl")}
