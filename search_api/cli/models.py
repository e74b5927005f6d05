"""`lookalike models`: the recommended models, and the export of any model to ONNX."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import embeddings
from search_api import console
from search_api.cli.options import JsonOption

if TYPE_CHECKING:
    from embeddings import ModelSpec

__all__ = ["export", "models", "models_app"]

models_app = typer.Typer(
    help="Models: the recommended ones, and exports for servers without torch.",
    invoke_without_command=True,
)


@models_app.callback()
def models(context: typer.Context, *, as_json: JsonOption = False) -> None:
    """List the recommended models; any open_clip model can be named too."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        console.print_json({"models": [_row(spec) for spec in embeddings.MODELS]})
    else:
        console.print_models(embeddings.MODELS)


@models_app.command()
def export(
    *,
    name: Annotated[
        str, typer.Argument(help="The model, e.g. ViT-B-32/laion2b_s34b_b79k.", show_default=False)
    ],
    to: Annotated[Path, typer.Option(help="The folder to write.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Export a model as ONNX, for `--model onnx-dir:DIR` on machines without torch."""
    with console.waiting(f"Exporting {name}"):
        embeddings.export_model(name, to)
    megabytes = sum(path.stat().st_size for path in to.iterdir()) / 1e6
    if as_json:
        console.print_json({"model": name, "folder": str(to), "megabytes": round(megabytes, 1)})
    else:
        console.say(f"Exported {name} to {to} ({megabytes:,.0f} MB). Use --model onnx-dir:{to}")


def _row(spec: ModelSpec) -> dict[str, Any]:
    row = asdict(spec)
    row.pop("sha256")
    return row
