"""Facts about an opened index, for people and machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from indexer.index import Index
from indexer.layout import Layout
from indexer.manifest import generations

__all__ = ["describe"]


def describe(index: Index, path: Path) -> dict[str, Any]:
    """What `lookalike index info` shows.

    Args:
        index: The opened generation.
        path: The index folder it was opened from.
    """
    manifest = index.manifest
    files = [file for segment in manifest.segments for file in segment.files.values()]
    return {
        "generation": manifest.generation,
        "generations": sorted(generations(Layout(path))),
        "created": manifest.created,
        "catalog": manifest.catalog,
        "products": manifest.products,
        "images": manifest.images,
        "model": manifest.encoder.name,
        "fingerprint": manifest.encoder.fingerprint,
        "dim": manifest.encoder.dim,
        "kind": manifest.kind,
        "segments": len(manifest.segments),
        "bytes": sum(file.bytes for file in files),
        "fields": dict(manifest.fields),
    }
