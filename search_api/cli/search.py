"""`lookalike search`: one query, its hits as a table or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from search_api import console
from search_api.cli.opening import ComputeArguments, open_deferred
from search_api.cli.options import (
    IndexOption,
    JsonOption,
    ModelOption,
    QueryArguments,
    expand_arguments,
)

if TYPE_CHECKING:
    from embeddings import Encoder
    from indexer.search import Query, SearchResult

__all__ = ["search"]


@expand_arguments
def search(
    *,
    index: IndexOption,
    arguments: QueryArguments,
    items: Annotated[
        bool,
        typer.Option("--items", help="Find the items in the image, and search for each of them."),
    ] = False,
    model: ModelOption = None,
    compute: ComputeArguments,
    as_json: JsonOption = False,
) -> None:
    """Search an index by words, by image, by products, by colour, or by all of them together."""
    query = arguments.query()
    if items:
        _search_items(query, index, model, compute, as_json=as_json)
        return
    prepare = _prepare(query) if query.needs_vector else None
    engine, _ = open_deferred(index, model, compute, prepare)
    query = engine.understand(query)
    encoded = engine.encode(query.parts) if query.needs_vector else None
    result = engine.find(query, encoded)
    if as_json:
        console.print_json(_answer(result))
    else:
        console.print_hits(result)


def _search_items(
    query: Query, index: Path, model: str | None, compute: ComputeArguments, *, as_json: bool
) -> None:
    """Search for each item in the query's image, and print a list for each."""
    from embeddings.vision import ITEM_MODEL
    from indexer.search import ImagePart
    from search_api.cli.vision import search_items

    places = [n for n, part in enumerate(query.parts) if isinstance(part, ImagePart)]
    if len(places) != 1:
        console.fail("--items needs one image to look into: add --image FILE.")
    ITEM_MODEL.runtime()
    engine, _ = open_deferred(index, model, compute, None)
    whole = engine.search(query)
    found = search_items(engine, query, places[0])
    if as_json:
        objects = [{**item, "hits": _answer(result)["hits"]} for item, result in found]
        console.print_json({**_answer(whole), "objects": objects})
        return
    console.say("The whole image:")
    console.print_hits(whole)
    for item, result in found:
        place = " ".join(f"{side:.2f}" for side in item["box"])
        console.say(f"{console.for_terminal(item['label'] or 'Item')} at {place}:")
        console.print_hits(result)


def _prepare(query: Query) -> Callable[[Encoder], object] | None:
    """Return what to do with the encoder before the query reaches it; None if it never does."""
    import numpy as np

    from indexer.search import ImagePart, TextPart

    texts = [part.text for part in query.parts if isinstance(part, TextPart)]
    has_images = any(isinstance(part, ImagePart) for part in query.parts)
    if not texts and not has_images:
        return None

    def encode(encoder: Encoder) -> None:
        # A tower of the model is compiled when it is first used.
        if texts:
            encoder.encode_texts(texts)
        if has_images:
            encoder.encode_images(np.zeros((1, *encoder.preprocess.size, 3), np.uint8))

    return encode


def _answer(result: SearchResult) -> Mapping[str, Any]:
    from search_api.service.schemas import Links, SearchResponse

    return asdict(SearchResponse.of(result, Links()))
