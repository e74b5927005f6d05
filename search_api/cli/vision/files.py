"""Image files of a command that looks into them: one that can't be used fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from embeddings import ImageError
from search_api import console
from search_api.cli.opening import read_image

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["look_into"]

T = TypeVar("T")


def look_into(
    paths: Sequence[Path], find: Callable[[Image], T]
) -> list[tuple[Path, T | ImageError]]:
    """Return what a detector finds in each file, or why it can't be used.

    Raises:
        ModelError: The detector can't be used.
    """
    from embeddings.vision import failing_alone

    found: list[tuple[Path, T | ImageError]] = []
    for path in paths:
        try:
            image = read_image(path)
            with failing_alone():
                found.append((path, find(image)))
        except ImageError as error:
            console.error(error.message)
            found.append((path, error))
    return found
