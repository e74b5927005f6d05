"""Models, indexes and images that commands open; errors name what could not be opened."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import embeddings
from embeddings import ImageError
from search_api import console
from search_api.cli.compute import ComputeArguments

if TYPE_CHECKING:
    from PIL.Image import Image

    from embeddings import Encoder
    from indexer.search import Engine

__all__ = ["load_encoder", "open_engine", "read_image"]


def load_encoder(name: str, compute: ComputeArguments) -> Encoder:
    """Load a model, with a spinner; errors as for `embeddings.load_encoder`."""
    with console.waiting(f"Loading {name}"):
        return embeddings.load_encoder(name, **asdict(compute), notify=console.note)


def open_engine(index: Path, model: str | None, compute: ComputeArguments) -> Engine:
    """Open an index with the model that built it, unless another one is named."""
    from indexer.index import Index
    from indexer.search import Engine

    opened = Index.open(index)
    encoder = load_encoder(model or opened.manifest.encoder.name, compute)
    return Engine(encoder, opened, index)


def read_image(path: Path) -> Image:
    """Read an image file.

    Raises:
        ImageError: The file cannot be read as an image; the message begins with its path.
    """
    from embeddings.images import read_image

    try:
        return read_image(path)
    except ImageError as error:
        raise type(error)(f"{path}: {error.message}") from error
