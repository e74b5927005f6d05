"""The everyday commands: search, serve, demo, models."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from embeddings import DEFAULT_MODEL, MODELS
from search_api import console
from search_api.cli.shared import (
    DeviceOption,
    IndexOption,
    JsonOption,
    ModelOption,
    ModeOption,
    PortOption,
    PrecisionOption,
    choice,
    load_encoder,
    open_engine,
    read_image,
)

__all__ = ["demo", "everyday_app", "models", "search", "serve"]

everyday_app = typer.Typer()

E = TypeVar("E", bound=StrEnum)


@everyday_app.command()
def search(
    index: IndexOption,
    text: Annotated[
        str | None, typer.Argument(help="Words to search for.", show_default=False)
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits.")] = 10,
    image: Annotated[
        Path | None, typer.Option(help="A picture to search with.", show_default=False)
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option(help="A product's id; repeatable.", show_default=False)
    ] = None,
    filter_: Annotated[
        str | None,
        typer.Option(
            "--filter",
            help='Conditions as JSON, e.g. \'{"colour": "red", "price": {"lt": 50}}\'.',
            show_default=False,
        ),
    ] = None,
    mode: ModeOption = "vector",
    keyword_weight: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The words' share in hybrid mode.", show_default=False),
    ] = None,
    fusion: Annotated[
        str, typer.Option(help="scores or ranks: how hybrid mode puts the two together.")
    ] = "scores",
    min_confidence: Annotated[
        float,
        typer.Option(min=0, max=1, help="Leave out hits that are less sure than this, 0 to 1."),
    ] = 0.0,
    diversity: Annotated[
        float,
        typer.Option(min=0, max=1, help="Push down hits that resemble those before them."),
    ] = 0.0,
    colour: Annotated[
        str | None,
        typer.Option(
            help='A colour that hits are to have: "#7b1e3a" or "navy blue"; those nearest first.',
            show_default=False,
        ),
    ] = None,
    colour_within: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=100,
            help="Only products of that colour, give or take so much (10 is another shade).",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Search an index by words, by a picture, by products, by colour, or all together."""
    from indexer.search import (
        KEYWORD_WEIGHT,
        Fusion,
        ImagePart,
        LikePart,
        Query,
        QueryPart,
        SearchMode,
        TextPart,
        WantedColour,
        colour_alone,
    )
    from search_api.service.schemas import SearchResponse

    parts: list[QueryPart] = [LikePart(product) for product in like or ()]
    if text is not None and text.strip():
        parts.append(TextPart(text))
    if image is not None:
        parts.append(ImagePart(read_image(image)))
    if colour_within is not None and colour is None:
        console.fail("--colour-within goes with --colour.")
    wanted = None if colour is None else WantedColour(colour, colour_within)
    if not parts and wanted is not None:
        words, wanted = colour_alone(wanted)
        parts.append(words)
    if not parts:
        console.fail("Give words to search for, --image FILE, --like ID or --colour.")
    conditions = None if filter_ is None else _parse_filter(filter_)
    query = Query(
        parts=tuple(parts),
        k=k,
        filter=conditions,
        mode=choice("--mode", SearchMode, mode),
        keyword_weight=KEYWORD_WEIGHT if keyword_weight is None else keyword_weight,
        fusion=choice("--fusion", Fusion, fusion),
        min_confidence=min_confidence,
        diversity=diversity,
        colour=wanted,
    )
    engine = open_engine(index, model, device)
    result = engine.search(query)
    if as_json:
        console.print_json(SearchResponse.of(result).model_dump())
    else:
        console.print_hits(result)


@everyday_app.command()
def serve(
    index: IndexOption,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: PortOption = 8000,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    allow_url_fetch: Annotated[
        bool, typer.Option("--allow-url-fetch", help="Queries may give a picture by URL.")
    ] = False,
    url_host: Annotated[
        list[str] | None,
        typer.Option(help="Fetch pictures from this host alone; repeatable.", show_default=False),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that serve, each with a model.")
    ] = 1,
) -> None:
    """Serve an index: the HTTP API and the web page."""
    from indexer.index import Index
    from search_api.service import Serving, read_settings, run, run_workers

    # What is given here wins over the environment; what isn't, is left to it.
    given: dict[str, Any] = {"allow_url_fetch": True} if allow_url_fetch else {}
    if url_host:
        given["url_hosts"] = tuple(url_host)
    settings = read_settings(**given)
    if workers == 1:
        run(open_engine(index, model, device, precision), host, port, settings)
    else:
        name = model or Index.open(index).manifest.encoder.name
        threads = max(1, (os.cpu_count() or 1) // workers)
        serving = Serving(index, name, device, precision, threads, settings)
        run_workers(serving, host, port, workers)


@everyday_app.command()
def demo(
    port: PortOption = 8000,
    serve_page: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the page at the end.")
    ] = True,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where the demo's catalog and index go.")
    ] = Path("lookalike-demo"),
) -> None:
    """Draw a small catalog, index it, search it by words and by picture, and serve the page."""
    from search_api.demo import run_demo
    from search_api.service import run

    engine = run_demo(folder, load_encoder(DEFAULT_MODEL))
    if serve_page:
        run(engine, "127.0.0.1", port)


@everyday_app.command()
def models(as_json: JsonOption = False) -> None:
    """List the models we recommend; any open_clip model can be named too."""
    if as_json:
        console.print_json({"models": [console.model_row(spec) for spec in MODELS]})
    else:
        console.print_models(MODELS)


def _parse_filter(text: str) -> dict[str, Any]:
    try:
        conditions = json.loads(text)
    except ValueError as error:
        console.fail(f"--filter is not JSON: {error}.")
    if not isinstance(conditions, dict):
        console.fail('--filter wants a JSON object, such as \'{"colour": "red"}\'.')
    return conditions
