"""Small catalogs of drawn images, for tests that plant faults in them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageOps

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.index import Index
from indexer.retrieval import NeighbourOptions
from indexer.storage import IndexKind
from search_api.demo import DrawnProduct, draw_catalog

COPIES = ("reencoded", "resized", "cropped", "mirrored")


def drawn(count: int) -> list[DrawnProduct]:
    """Return the first drawn products."""
    return list(draw_catalog(count))


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """Return an image as a JPEG file."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def copy_of(image: Image.Image, kind: str) -> bytes:
    """Return a changed copy of an image, one of `COPIES`, as a JPEG file."""
    if kind == "reencoded":
        return jpeg(image, 50)
    if kind == "resized":
        return jpeg(image.resize((image.width * 2 // 3, image.height * 2 // 3)))
    if kind == "cropped":
        x, y = image.width // 20, image.height // 20
        return jpeg(image.crop((x, 0, image.width, image.height - y)))
    return jpeg(ImageOps.mirror(image))


def build(
    folder: Path,
    rows: Sequence[Mapping[str, object]],
    images: Mapping[str, bytes],
    *,
    thumbnails: bool = True,
    kind: IndexKind | None = None,
    text_weight: float = 0.0,
) -> Index:
    """Write a catalog of rows and their images by name, build its index and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in images.items():
        (folder / name).write_bytes(data)
    catalog = folder / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    neighbours = NeighbourOptions(kind=kind, min_recall=0)
    options = BuildOptions(
        workers=0, thumbnails=thumbnails, neighbours=neighbours, text_weight=text_weight
    )
    build_index(catalog, folder / "index", FakeEncoder(), options)
    return Index.open(folder / "index")
