"""`lookalike serve`: the HTTP API and the web page of an index."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from search_api.cli.loading import open_engine
from search_api.cli.options import (
    DeviceOption,
    IndexOption,
    ModelOption,
    PortOption,
    PrecisionOption,
)

__all__ = ["serve"]


def serve(
    *,
    index: IndexOption,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: PortOption = 8000,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
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
    from indexer.index import Index
    from search_api.service import Serving, read_settings, run, run_workers

    # Options given here take precedence over the environment's settings.
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
