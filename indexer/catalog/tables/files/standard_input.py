"""Standard input as a catalog: saved to a temporary file, since catalogs are read repeatedly."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import BinaryIO

from indexer.catalog.tables.files.recognition import ending_of
from indexer.errors import CatalogError

__all__ = ["STANDARD_INPUT", "save_standard_input"]

STANDARD_INPUT = Path("-")
"""The path that stands for standard input."""


def save_standard_input(folder: Path, source: BinaryIO | None = None) -> Path:
    """Save standard input to a file whose name ends as its format does; returns the file.

    Args:
        folder: Where to save it.
        source: What to save in place of standard input.

    Raises:
        CatalogError: It is empty, or a terminal.
        OSError: It can't be read or saved.
    """
    stream = source or sys.stdin.buffer
    if stream.isatty():
        raise CatalogError(
            "- stands for standard input, which is a terminal here; pipe a catalog into it"
        )
    raw = folder / "standard-input"
    with raw.open("wb") as file:
        shutil.copyfileobj(stream, file)
    if raw.stat().st_size == 0:
        raise CatalogError("standard input is empty; there is nothing to index")
    return raw.rename(raw.with_name(f"standard-input{ending_of(raw)}"))
