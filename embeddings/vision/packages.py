"""Packages of the extra `vision`: whether they are there, and the sentence if they are not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from embeddings.errors import BrokenModelError, VisionUnavailableError
from embeddings.vision.shipped import INSTALL

__all__ = ["find_package"]


def find_package(name: str, purpose: str) -> Path:
    """Return the folder of an installed package, without importing it.

    Args:
        name: As it is imported.
        purpose: What needs it, as the beginning of a sentence.

    Raises:
        VisionUnavailableError: It is not installed.
        BrokenModelError: Something else has its name.
    """
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise VisionUnavailableError(
            f"{purpose} needs the package {name}, which is not installed. Install it: {INSTALL}"
        )
    if not spec.submodule_search_locations:
        raise BrokenModelError(f"What is installed as {name} is not that package. {INSTALL}")
    return Path(next(iter(spec.submodule_search_locations)))
