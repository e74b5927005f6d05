"""`lookalike index retag`: new tags for the products of an index."""

from __future__ import annotations

from dataclasses import asdict

from search_api import console
from search_api.cli.opening import ComputeArguments, load_encoder
from search_api.cli.options import (
    IndexOption,
    JsonOption,
    TagArguments,
    expand_arguments,
)

__all__ = ["index_retag"]


@expand_arguments
def index_retag(
    *,
    index: IndexOption,
    tag: TagArguments,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Tag an index's products again from their stored vectors; no image is embedded again."""
    from indexer.build import retag

    choice = tag.tag_choice()
    with console.waiting("Tagging"):
        report = retag(index, lambda name: load_encoder(name, compute), choice)
    if as_json:
        console.print_json(asdict(report))
    else:
        console.print_retag(report)
