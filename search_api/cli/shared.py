"""What several commands have in common: options, opening models, indexes and pictures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

import embeddings
from embeddings import ImageError
from search_api import console

if TYPE_CHECKING:
    from PIL.Image import Image

    from embeddings.clip import ClipEncoder
    from indexer.search import Engine

__all__ = [
    "DeviceOption",
    "IndexOption",
    "JsonOption",
    "ModeOption",
    "ModelOption",
    "PortOption",
    "PrecisionOption",
    "choice",
    "load_encoder",
    "open_engine",
    "read_image",
]

IndexOption = Annotated[Path, typer.Option("--index", help="The index folder.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
PrecisionOption = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="By default the model that built the index.", show_default=False),
]


ModeOption = Annotated[
    str, typer.Option(help="vector, keyword or hybrid: what decides about the order.")
]

E = TypeVar("E", bound=StrEnum)


def choice(option: str, kind: type[E], name: str) -> E:
    """The member of an enumeration that an option names; the command ends if there is none."""
    try:
        return kind(name)
    except ValueError:
        console.fail(f"{option} is {', '.join(kind)}, not {name!r}.")


def read_image(path: Path) -> Image:
    """The picture in a file; errors name the file."""
    from embeddings.images import read_image

    try:
        return read_image(path)
    except ImageError as error:
        raise type(error)(f"{path}: {error.message}") from error


def load_encoder(name: str, device: str = "auto", precision: str = "auto") -> ClipEncoder:
    """Load a model, with a spinner."""
    with console.waiting(f"Loading {name}"):
        return embeddings.load_encoder(name, device=device, precision=precision)


def open_engine(
    index: Path, model: str | None, device: str = "auto", precision: str = "auto"
) -> Engine:
    """Open an index, with the model that built it unless another is named."""
    from indexer.index import Index
    from indexer.search import Engine

    opened = Index.open(index)
    encoder = load_encoder(model or opened.manifest.encoder.name, device, precision)
    return Engine(encoder, opened, index)
