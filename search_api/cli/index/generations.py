"""`lookalike index verify`, `rollback` and `prune`: the generations of an index."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from search_api import console
from search_api.cli.options import IndexOption, JsonOption

__all__ = ["index_prune", "index_rollback", "index_verify"]


def index_verify(*, index: IndexOption, as_json: JsonOption = False) -> None:
    """Check every file of every generation; exit with 1 if the live generation is damaged."""
    from indexer.index import verify

    with console.waiting("Verifying"):
        reports = verify(index)
    if as_json:
        console.print_json({"generations": [asdict(report) for report in reports]})
    else:
        console.print_generations(reports)
    if not any(report.live and report.intact for report in reports):
        raise typer.Exit(1)


def index_rollback(
    *,
    index: IndexOption,
    to: Annotated[
        int | None,
        typer.Option(help="The generation; by default the previous one.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an older generation live again."""
    from indexer.index import rollback

    generation = rollback(index, to)
    if as_json:
        console.print_json({"generation": generation})
    else:
        console.say(f"Generation {generation} is live.")


def index_prune(
    *,
    index: IndexOption,
    keep: Annotated[int, typer.Option(min=1, help="Number of generations to keep.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Delete old generations and the files that only they use."""
    from indexer.index import prune

    deleted = prune(index, keep)
    if as_json:
        console.print_json({"deleted": deleted})
    else:
        console.say(f"Deleted {len(deleted)} generation(s).")
