"""`lookalike serve`: the HTTP API and the web page of an index."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from search_api.cli.compute import ComputeArguments
from search_api.cli.loading import open_engine
from search_api.cli.options import (
    IndexOption,
    ModelOption,
    PortOption,
    expand_arguments,
)

__all__ = ["serve"]


@expand_arguments
def serve(
    *,
    index: IndexOption,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: PortOption = 8000,
    model: ModelOption = None,
    compute: ComputeArguments,
    allow_url_fetch: Annotated[
        bool, typer.Option("--allow-url-fetch", help="Allow image URLs in queries.")
    ] = False,
    url_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Allow image URLs of this host only; can be repeated.", show_default=False
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Serving processes, each with its own model.")
    ] = 1,
) -> None:
    """Serve an index: the HTTP API and the web page."""
    from embeddings.onnx import processors
    from indexer.index import Index
    from search_api.service import Serving, read_settings, run, run_workers

    # Options given here take precedence over the environment's settings.
    given: dict[str, Any] = {"allow_url_fetch": True} if allow_url_fetch else {}
    if url_host:
        given["url_hosts"] = tuple(url_host)
    settings = read_settings(**given)
    if workers == 1:
        run(open_engine(index, model, compute), host, port, settings)
    else:
        name = model or Index.open(index).manifest.encoder.name
        threads = max(1, processors() // workers)
        serving = Serving(
            index=index, model=name, threads=threads, settings=settings, **asdict(compute)
        )
        run_workers(serving, host, port, workers)
