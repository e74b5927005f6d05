"""`lookalike index duplicates`: the same image under several products."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from search_api import console
from search_api.cli.options import IndexOption, JsonOption, choice

__all__ = ["index_duplicates"]


def index_duplicates(
    *,
    index: IndexOption,
    level: Annotated[
        str,
        typer.Option(
            help="exact: the same file; same: also saved again or resized; similar: also mirrored, "
            "or cropped by a few percent."
        ),
    ] = "similar",
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of groups to list.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List images that several products share: listed twice, or attached to the wrong product."""
    from indexer.index import Index
    from indexer.quality import Likeness, find_duplicates

    least = choice("--level", Likeness, level)
    opened = Index.open(index)
    with console.StepBar() as bar:
        report = find_duplicates(opened, least, on_progress=bar.update)
    if as_json:
        listed = asdict(report)
        listed["groups"] = listed["groups"][:limit]
        console.print_json({**listed, "total": len(report.groups)})
    else:
        console.print_duplicates(report, limit)
