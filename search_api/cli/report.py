"""`lookalike index report`, and what `index build --report` does at its end."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.index import index_app
from search_api.cli.shared import DeviceOption, IndexOption, JsonOption, ModelOption, load_encoder

if TYPE_CHECKING:
    from embeddings import Encoder
    from indexer.quality import CatalogHealth

__all__ = ["check_output", "index_report", "write_report"]


@index_app.command("report")
def index_report(
    index: IndexOption,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The HTML file to write.", show_default=False),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Write what is wrong with the catalog as one page: wrong titles, shared pictures, gaps."""
    from indexer.index import Index

    if output is None and not as_json:
        console.fail("Say where to write the page, --output report.html, or ask for --json.")
    if output is not None:
        check_output(output)
    name = model or Index.open(index).manifest.encoder.name
    health = write_report(index, load_encoder(name, device), output)
    if as_json:
        console.print_json(asdict(health))


def check_output(path: Path) -> None:
    """Refuse a file that can't be written, before the work and not after it."""
    if path.is_dir():
        console.fail(f"{path} is a folder; name a file, such as {path / 'report.html'}.")
    if not path.parent.is_dir():
        console.fail(f"There is no folder {path.parent}; make it, or name another file.")


def write_report(index: Path, encoder: Encoder, output: Path | None) -> CatalogHealth:
    """Examine an index's live generation, and write the page if it is wanted."""
    from indexer.index import Index
    from indexer.quality import examine

    opened = Index.open(index)
    with console.StepBar() as bar:
        health = examine(opened, index, encoder, bar.update)
    if output is not None:
        from search_api.reports import render_report

        page = render_report(health, opened, datetime.now(UTC).astimezone().date())
        output.write_text(page, "utf-8", errors="replace")
        console.note(f"Wrote {output} ({len(page) / 1e6:.1f} MB); open it in a browser.")
    return health
