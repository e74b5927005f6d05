"""Writing an index folder of many products the way a build writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from embeddings import EncoderSpec
from indexer.catalog import FieldType
from indexer.index import Index, NewImage, NewProduct, new_segment_id, write_segment
from indexer.retrieval import NeighbourOptions, build_neighbours
from indexer.storage import (
    EncoderRecord,
    Layout,
    SegmentLayout,
    adopt_segment,
    new_generation,
    publish,
)
from scripts.benchmarks.index.vectors import Vectors, enlarge

__all__ = ["COLOURS", "FIELDS", "add_segment", "products", "write_index"]

# `share` is uniform from 0 to 999, so that {"share": {"lt": 10}} passes 1% of the rows; the colour
# goes with where a product lies, as real fields do.
FIELDS = {"share": FieldType.INTEGER, "colour": FieldType.TEXT, "price": FieldType.FLOAT}
COLOURS = ("Black", "White", "Blue", "Red", "Green", "Brown", "Grey", "Pink", "Navy Blue", "Purple")


def products(vectors: Vectors, count: int, prefix: str = "p") -> Iterator[NewProduct]:
    """Yield products with one image each."""
    rng = np.random.default_rng(2)
    # Ten regions of the space, by the nearest of ten images.
    regions = (vectors.images @ vectors.images[:10].T).argmax(axis=1)
    number = 0
    for block, origin in enlarge(vectors, count):
        shares = rng.integers(0, 1000, len(block)).tolist()
        prices = (rng.integers(100, 20_000, len(block)) / 100).tolist()
        colours = [COLOURS[region] for region in regions[origin].tolist()]
        for vector, share, colour, price in zip(block, shares, colours, prices, strict=True):
            key = number.to_bytes(16, "little")
            yield NewProduct(
                f"{prefix}{number}",
                {"share": share, "colour": colour, "price": price},
                (NewImage(key + key, "", vector, b""),),
                key,
            )
            number += 1


def add_segment(
    folder: Path,
    vectors: Vectors,
    spec: EncoderSpec,
    count: int,
    prefix: str = "p",
    options: NeighbourOptions | None = None,
) -> None:
    """Write a segment of `count` products and publish it beside the segments that are there."""
    layout = Layout(folder)
    layout.staging.mkdir(parents=True, exist_ok=True)
    record = write_segment(
        SegmentLayout(layout.staging / new_segment_id()),
        products(vectors, count, prefix),
        FIELDS,
        spec.dim,
        lambda written: build_neighbours(
            written, options or NeighbourOptions(), lambda: vectors.text_queries[500:]
        ),
    )
    before = Index.open(folder).manifest.segments if layout.current.exists() else ()
    manifest = new_generation(
        layout,
        encoder=EncoderRecord(spec.name, spec.fingerprint, spec.dim),
        segments=(*before, record),
        fields={name: str(kind) for name, kind in FIELDS.items()},
        catalog="benchmark",
    )
    adopt_segment(layout, record.id)
    publish(layout, manifest)
    layout.staging.rmdir()


def write_index(
    folder: Path,
    vectors: Vectors,
    spec: EncoderSpec,
    count: int,
    options: NeighbourOptions | None = None,
) -> None:
    """Write and publish an index of one segment of `count` products, unless it is there."""
    if not Layout(folder).current.exists():
        add_segment(folder, vectors, spec, count, options=options)
