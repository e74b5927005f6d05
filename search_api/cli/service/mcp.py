"""`lookalike mcp`: an index as tools of an assistant."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Annotated

import typer

from search_api import console
from search_api.cli.opening import ComputeArguments, open_deferred
from search_api.cli.options import IndexOption, ModelOption, PortOption, expand_arguments

__all__ = ["mcp"]


@expand_arguments
def mcp(
    *,
    index: IndexOption,
    http: Annotated[
        bool,
        typer.Option(
            "--http", help="Serve at /mcp beside the HTTP API, instead of on standard input."
        ),
    ] = False,
    host: Annotated[str, typer.Option(help="With --http, address to listen on.")] = "127.0.0.1",
    port: PortOption = 8000,
    model: ModelOption = None,
    compute: ComputeArguments,
) -> None:
    """Serve an index to assistants, as tools (Model Context Protocol)."""
    if find_spec("mcp") is None:
        console.fail("This needs the MCP library: pip install 'lookalike[mcp]'.")
    from search_api.service import read_settings, run, start_decoding

    settings = read_settings()
    start_decoding()
    opened, load = open_deferred(index, model, compute, None)
    from search_api.mcp import http_app, serve_stdio  # imported while the model is loaded

    engine = opened.with_encoder(load())
    if http:
        run(engine, host, port, settings, extend=partial(http_app, host=host))
    else:
        serve_stdio(engine, settings)
