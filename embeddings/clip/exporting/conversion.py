"""Conversion of open_clip models to ONNX on first use, kept in the user's cache folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from embeddings.clip.exporting.export import export_network
from embeddings.clip.networks import LoadedNetwork, load_network
from embeddings.errors import ModelError
from embeddings.onnx import (
    conversion_lock,
    converted_folder,
    find_conversion,
    remember_conversion,
)

__all__ = ["convert"]


def convert(name: str, notify: Callable[[str], None]) -> Path | None:
    """Convert a model, unless another process just did.

    Args:
        name: The model.
        notify: Takes a line about what is being done, or why it failed.

    Returns:
        The folder of the conversion, or None if the model stays on torch.

    Raises:
        ModelError: The model can't be loaded at all.
    """
    with conversion_lock():
        found = find_conversion(name)
        if found is not None:
            return found if isinstance(found, Path) else None
        loaded = load_network(name)
        target = converted_folder(loaded.fingerprint)
        notify(f"Converting {name} for CPUs; once, it takes a minute.")
        try:
            _export_whole(loaded, target)
        except OSError as error:  # a full or read-only cache: tried again the next time
            notify(f"{name} runs on torch, which is slower: {target} can't be written ({error}).")
            return None
        except ModelError as error:
            notify(f"{name} runs on torch, which is slower: {error.message}")
            remember_conversion(name, fingerprint=None, failed=error.message)
            return None
        remember_conversion(name, fingerprint=loaded.fingerprint, failed=None)
        notify(f"Converted; kept in {target}.")
        return target


def _export_whole(loaded: LoadedNetwork, target: Path) -> None:
    """Export to a folder that appears under its name once it is complete.

    Raises:
        ModelError: The network does not convert.
        OSError: The folder can't be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
    try:
        export_network(loaded, part)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
