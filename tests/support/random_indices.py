"""Indices of random vectors, to be compared with brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from indexer.catalog import FieldType
from indexer.index import NewImage, NewProduct, write_segment
from indexer.storage import EncoderRecord, Layout, Manifest, publish

__all__ = ["DIM", "TYPES", "random_products", "write_random_index"]

DIM = 16
TYPES = {"n": FieldType.INTEGER, "odd": FieldType.BOOLEAN}


def random_products(images: int) -> list[NewProduct]:
    """Products with the fields `TYPES` and one to several images, `images` in all."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(images, DIM))
    stored = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    owners = np.sort(rng.integers(0, images // 2, images))
    return [
        NewProduct(
            id=f"p{owner}",
            fields={"n": int(owner), "odd": bool(owner % 2)},
            images=[
                NewImage(int(row).to_bytes(32, "big"), f"{row}.png", stored[row], b"")
                for row in np.flatnonzero(owners == owner)
            ],
            digest=bytes(16),
        )
        for owner in np.unique(owners)
    ]


def write_random_index(folder: Path, images: int) -> Path:
    """Publish an index of two segments over `random_products`; returns its folder."""
    products = random_products(images)
    half = len(products) // 2
    records = [
        write_segment(Layout(folder).segment(name), part, TYPES, DIM)
        for name, part in (("a", products[:half]), ("b", products[half:]))
    ]
    manifest = Manifest(
        generation=1,
        created="",
        encoder=EncoderRecord("fake", "fake", DIM),
        segments=tuple(records),
        products=len(products),
        images=images,
        fields={name: str(kind) for name, kind in TYPES.items()},
        catalog="random",
    )
    publish(Layout(folder), manifest)
    return folder
