"""Single options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "IndexOption",
    "JsonOption",
    "ModeOption",
    "ModelOption",
    "NewModelOption",
    "PortOption",
]

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free one.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="The model; by default the one that built the index.", show_default=False
    ),
]
NewModelOption = Annotated[
    str,
    typer.Option("--model", help="A model of `lookalike models`, local-dir:PATH or onnx-dir:PATH."),
]
ModeOption = Annotated[
    str | None,
    typer.Option(
        help="vector, keyword or hybrid: what orders the hits; by default hybrid where the catalog "
        "has texts.",
        show_default=False,
    ),
]
