"""`lookalike demo`: a drawn catalog, indexed, searched and served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embeddings import DEFAULT_MODEL
from search_api.cli.opening import ComputeArguments, load_encoder
from search_api.cli.options import PortOption, expand_arguments

__all__ = ["demo"]


@expand_arguments
def demo(
    *,
    compute: ComputeArguments,
    port: PortOption = 8000,
    serve_page: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the web page at the end.")
    ] = True,
    folder: Annotated[
        Path, typer.Option("--dir", help="Folder of the demo's catalog and index.")
    ] = Path("lookalike-demo"),
) -> None:
    """Draw a small catalog, index it, search it by words and by image, and serve the web page."""
    from search_api.demo import run_demo
    from search_api.service import run

    engine = run_demo(folder, load_encoder(DEFAULT_MODEL, compute))
    if serve_page:
        run(engine, "127.0.0.1", port)
