"""Single options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DeviceOption",
    "IndexOption",
    "JsonOption",
    "ModeOption",
    "ModelOption",
    "NewModelOption",
    "PortOption",
    "PrecisionOption",
]

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
PrecisionOption = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
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
    str, typer.Option("--model", help="A model of `lookalike models`, or local-dir:PATH.")
]
ModeOption = Annotated[
    str, typer.Option(help="vector, keyword or hybrid: the scores that order the hits.")
]
