"""`lookalike serve`: the HTTP API and the web page of an index."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from search_api.cli.opening import ComputeArguments, open_deferred
from search_api.cli.options import (
    IndexOption,
    ModelOption,
    PortOption,
    expand_arguments,
)

if TYPE_CHECKING:
    from embeddings import Encoder
    from search_api.service import Supervised

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
    writable: Annotated[
        bool,
        typer.Option("--writable", help="Take writes of products; needs a key of scope write."),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Serving processes, each with its own model.")
    ] = 1,
) -> None:
    """Serve an index: the HTTP API and the web page."""
    from search_api.service import supervise

    # Options given here take precedence over the environment's settings.
    given: dict[str, Any] = {"allow_url_fetch": True} if allow_url_fetch else {}
    if writable:
        given["writable"] = True
    if url_host:
        given["url_hosts"] = tuple(url_host)
    if workers == 1:

        def work(supervised: Supervised) -> None:
            from search_api.service import read_settings, start_decoding

            settings = read_settings(**given)
            start_decoding()
            engine, loaded = open_deferred(index, model, compute, _encode_once)
            from search_api.service import run  # imported while the model is loaded

            run(engine.with_encoder(loaded()), host, port, settings, supervised)

        supervise(work, host, port)
    else:
        from embeddings.onnx import processors
        from indexer.index import Index
        from search_api.service import Serving, read_settings, run_workers, start_decoding

        settings = read_settings(**given)
        start_decoding()
        name = model or Index.open(index).manifest.encoder.name
        threads = max(1, processors() // workers)
        serving = Serving(
            index=index, model=name, threads=threads, settings=settings, **asdict(compute)
        )
        run_workers(serving, host, port, workers)


def _encode_once(encoder: Encoder) -> None:
    """Prepare both towers of a model, which are compiled when they are first used."""
    import numpy as np

    encoder.encode_texts(["ready"])
    encoder.encode_images(np.zeros((1, *encoder.preprocess.size, 3), np.uint8))
