"""Small catalogs of drawings for tests that plant faults in them."""

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
    """The first drawn products."""
    return list(draw_catalog(count))


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """A picture as JPEG bytes."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def copy_of(image: Image.Image, kind: str) -> bytes:
    """A picture as somebody else would have it."""
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
    pictures: Mapping[str, bytes],
    *,
    thumbnails: bool = True,
    kind: IndexKind | None = None,
    text_weight: float = 0.0,
) -> Index:
    """An index over rows whose pictures are written beside them first."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    catalog = folder / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    neighbours = NeighbourOptions(kind=kind, min_recall=0)
    options = BuildOptions(
        workers=0, thumbnails=thumbnails, neighbours=neighbours, text_weight=text_weight
    )
    build_index(catalog, folder / "index", FakeEncoder(), options)
    return Index.open(folder / "index")
