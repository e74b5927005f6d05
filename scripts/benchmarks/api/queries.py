"""Queries of the API benchmark: uploads of 168 x 224 pixels, and texts that no cache has seen."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from indexer.index import Index
from scripts.benchmarks.api.load_generator import multipart, text_request

__all__ = ["Queries", "write_queries"]

_SIZE = (168, 224)
_IMAGES = 256
_TEXTS = 20_000


class Queries:
    """Files of pickled queries for other processes: the raw queries, and as HTTP requests."""

    def __init__(self, folder: Path) -> None:
        self.raw = folder / "queries.pickle"
        self.texts = folder / "texts.pickle"
        self.images = folder / "images.pickle"


def write_queries(index: Index, folder: Path) -> Queries:
    """Write images of products, enlarged and compressed anew, and their titles with numbers."""
    ids = _some_ids(index)
    images = [_jpeg(index.thumbnail(product, 0)) for product in ids]
    titles = [str(index.fields(product).get("title", "red dress")) for product in ids]
    plain = ["".join(c for c in title if c.isalnum() or c == " ") for title in titles]
    texts = [f"{plain[number % len(plain)]} {number}" for number in range(_TEXTS)]
    queries = Queries(folder)
    queries.raw.write_bytes(pickle.dumps((texts, images)))
    queries.texts.write_bytes(pickle.dumps([text_request(text) for text in texts]))
    queries.images.write_bytes(pickle.dumps([multipart(image) for image in images]))
    return queries


def _some_ids(index: Index) -> Sequence[str]:
    segment = index.segments[0]
    step = max(1, segment.products // _IMAGES)
    rows = range(0, min(segment.products, _IMAGES * step), step)
    return [segment.product_id(row) for row in rows]


def _jpeg(thumbnail: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(thumbnail)) as image:
        image.convert("RGB").resize(_SIZE, Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()
