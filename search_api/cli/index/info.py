"""`lookalike index info`: what an index holds."""

from __future__ import annotations

from search_api import console
from search_api.cli.options import IndexOption, JsonOption

__all__ = ["index_info"]


def index_info(*, index: IndexOption, as_json: JsonOption = False) -> None:
    """Show what an index holds."""
    from indexer.index import Index, describe

    facts = describe(Index.open(index), index)
    if as_json:
        console.print_json(facts)
    else:
        console.print_facts(facts)
