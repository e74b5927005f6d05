"""`lookalike models`: the recommended models."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from embeddings import MODELS, ModelSpec
from search_api import console
from search_api.cli.options import JsonOption

__all__ = ["models"]


def models(*, as_json: JsonOption = False) -> None:
    """List the recommended models; any open_clip model can be named too."""
    if as_json:
        console.print_json({"models": [_row(spec) for spec in MODELS]})
    else:
        console.print_models(MODELS)


def _row(spec: ModelSpec) -> dict[str, Any]:
    row = asdict(spec)
    row.pop("sha256")
    return row
