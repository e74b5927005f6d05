"""`lookalike index adapt`: an index learns from its catalog again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from search_api import console
from search_api.cli.opening import ComputeArguments, load_encoder
from search_api.cli.options import IndexOption, JsonOption, expand_arguments

__all__ = ["index_adapt"]


@expand_arguments
def index_adapt(
    *,
    index: IndexOption,
    adapt: Annotated[
        str | None,
        typer.Option(
            help="auto, or FIELDS to learn from with commas between them; by default as before.",
            show_default=False,
        ),
    ] = None,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Learn from an index's own words again, by the features it keeps; no image is decoded."""
    from indexer.build import adapt as learn

    with console.waiting("Learning"):
        report = learn(index, lambda name: load_encoder(name, compute), adapt)
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_adapt(report)
