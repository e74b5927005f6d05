"""Catalogs of numbered products, each with an image of its own, and their builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, BuildReport, build_index

__all__ = ["build", "write_catalog"]


def build(catalog: Path, index: Path, **options: Any) -> BuildReport:
    """Build with the fake encoder, decoding in this thread."""
    return build_index(catalog, index, FakeEncoder(), BuildOptions(workers=0, **options))


def write_catalog(folder: Path, count: int, title: str) -> Path:
    """Write the products p0 to p(count - 1) with one title; returns the CSV file."""
    folder.mkdir(exist_ok=True)
    lines = ["id,image,title"]
    for number in range(count):
        path = folder / f"{number}.bmp"
        if not path.exists():
            Image.new("RGB", (2, 2), (number % 256, number // 256, 90)).save(path)
        lines.append(f"p{number},{path.name},{title}")
    path = folder / "catalog.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
