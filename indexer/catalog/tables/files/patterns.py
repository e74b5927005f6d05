"""Patterns of paths: `feeds/*.csv` stands for several files."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from indexer.catalog.images import is_ignored
from indexer.errors import CatalogError

__all__ = ["matching_paths"]


def matching_paths(paths: Sequence[Path]) -> list[Path]:
    """Return the files and folders that some paths and patterns name, each once, in order.

    Args:
        paths: A path that does not exist and has `*`, `?` or `[` in it is a pattern; `**` stands
            for any folders. What it matches is sorted by name, without hidden files.

    Raises:
        CatalogError: Nothing matches a pattern.
    """
    found: dict[Path, None] = {}
    for path in paths:
        text = str(path)
        if path.exists() or not glob.has_magic(text):
            found[path] = None
            continue
        matches = sorted(Path(name) for name in glob.glob(text, recursive=True))  # noqa: PTH207
        kept = [match for match in matches if not is_ignored(match.name)]
        if not kept:
            raise CatalogError(f"no file matches {text!r}; check the pattern")
        found |= dict.fromkeys(kept)
    return list(found)
