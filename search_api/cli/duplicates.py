"""`lookalike index duplicates`: the same picture under several products."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from search_api import console
from search_api.cli.index import index_app
from search_api.cli.shared import IndexOption, JsonOption

__all__ = ["index_duplicates"]


@index_app.command("duplicates")
def index_duplicates(
    index: IndexOption,
    level: Annotated[
        str,
        typer.Option(
            help="exact: the same file; same: also saved anew or resized; "
            "similar: also mirrored, or cropped by a few percent."
        ),
    ] = "similar",
    limit: Annotated[int, typer.Option(min=1, help="Groups shown.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List pictures that several products share: sold twice, or put on the wrong product."""
    from indexer.index import Index
    from indexer.quality import Likeness, find_duplicates

    if level not in list(Likeness):
        console.fail(f"--level is {', '.join(Likeness)}, not {level!r}.")
    opened = Index.open(index)
    with console.StepBar() as bar:
        report = find_duplicates(opened, Likeness(level), on_progress=bar.update)
    if as_json:
        shown: dict[str, Any] = asdict(report)
        shown["groups"] = shown["groups"][:limit]
        console.print_json({**shown, "total": len(report.groups)})
    else:
        console.print_duplicates(report, limit)
