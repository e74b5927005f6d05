"""`lookalike search`: one query, its hits as a table or as JSON."""

from __future__ import annotations

from dataclasses import asdict

from search_api import console
from search_api.cli.compute import ComputeArguments
from search_api.cli.loading import open_engine
from search_api.cli.options import (
    IndexOption,
    JsonOption,
    ModelOption,
    QueryArguments,
    expand_arguments,
)

__all__ = ["search"]


@expand_arguments
def search(
    *,
    index: IndexOption,
    arguments: QueryArguments,
    model: ModelOption = None,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Search an index by words, by image, by products, by colour, or by all of them together."""
    query = arguments.query()
    result = open_engine(index, model, compute).search(query)
    if as_json:
        from search_api.service.schemas import SearchResponse

        console.print_json(asdict(SearchResponse.of(result)))
    else:
        console.print_hits(result)
