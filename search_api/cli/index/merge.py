"""`lookalike index merge`: an index rewritten as one segment."""

from __future__ import annotations

from dataclasses import asdict

from search_api import console
from search_api.cli.opening import ComputeArguments, load_encoder
from search_api.cli.options import (
    AnnArguments,
    IndexOption,
    JsonOption,
    expand_arguments,
)

__all__ = ["index_merge"]


@expand_arguments
def index_merge(
    *,
    index: IndexOption,
    ann: AnnArguments,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Rewrite an index as one segment, without deleted products; no image is embedded again."""
    from indexer.build import merge

    options = ann.neighbour_options()
    with console.waiting("Merging"):
        report = merge(index, lambda name: load_encoder(name, compute), options)
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_merge(report)
