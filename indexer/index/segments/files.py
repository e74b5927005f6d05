"""The files of a segment, verified and opened: shared by all generations that have the segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer.colours import COLOURS_SHAPE, ColourArray, ProductColours
from indexer.errors import DamagedIndexError
from indexer.retrieval import KeywordIndex, NeighbourIndex
from indexer.storage import (
    ADAPTED_FILES,
    COLOUR_FILES,
    FEATURE_FILES,
    KEYWORDS_META,
    LOOKUP_FILES,
    TEXT_FILES,
    FileState,
    Lookup,
    MappedVectors,
    SegmentLayout,
    SegmentRecord,
    content_keys,
    id_keys,
    is_keyword_file,
    load_array,
    map_file,
    verify_segment,
)

__all__ = ["SegmentFiles", "open_segment_files"]

_SHA256_BYTES = 32


@dataclass(frozen=True)
class SegmentFiles:
    """The opened files of one segment; large ones are memory-mapped.

    Attributes:
        states: The state of each file when it was verified, by its name.
        vectors: `[images, dim]` unit vectors of images.
        adapted: The same by the index's map; `vectors` where there is none.
        searched: The vectors that queries are compared with: with titles mixed in, if the segment
            has such; else `adapted`.
        neighbours: The FAISS index over `searched`.
        keywords: The keyword index, or None where the segment's format has none.
        products: Ids, runs of images and digests, a row for each product.
        fields: The catalog's other columns, a row for each product.
        images: Owners, hashes, locations and places of thumbnails, a row for each image.
        image_product: `[images]` the product row of each image, ascending.
        thumbnails: WebP files one after another; `images` holds their offsets.
        by_id: Product rows by `id_key`.
        by_content: Image rows by `content_key`.
        colours: `[images, 5, 4]` measured colours, or None where the segment's format has none; all
            shares of an image that was not measured are 0.
        product_colours: The same, to be asked by product row.
        features: `[images, width]` what the map takes, where the segment keeps it.
    """

    states: Mapping[str, FileState | None]
    vectors: MappedVectors
    adapted: MappedVectors
    searched: MappedVectors
    neighbours: NeighbourIndex
    keywords: KeywordIndex | None
    products: pa.Table
    fields: pa.Table
    images: pa.Table
    image_product: NDArray[np.int64]
    thumbnails: memoryview
    by_id: Lookup
    by_content: Lookup
    colours: ColourArray | None
    product_colours: ProductColours | None
    features: NDArray[np.float16] | None = None


def open_segment_files(layout: SegmentLayout, record: SegmentRecord, dim: int) -> SegmentFiles:
    """Open a segment's files after checking each against the manifest.

    Args:
        layout: Where the files are.
        record: What the manifest says of the segment.
        dim: Length of the encoder's vectors.

    Raises:
        DamagedIndexError: A file is missing or changed, or the files don't fit together.
    """
    states = verify_segment(layout, record)
    try:
        files = _open(layout, record, states)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamagedIndexError(f"A file of segment {record.id} can't be read.") from error
    _check_shapes(files, record, dim)
    return files


def _open(
    layout: SegmentLayout, record: SegmentRecord, states: Mapping[str, FileState | None]
) -> SegmentFiles:
    vectors = MappedVectors(layout.vectors)
    has_text = set(TEXT_FILES) <= set(record.files)
    has_map = set(ADAPTED_FILES) <= set(record.files)
    adapted = MappedVectors(layout.adapted) if has_map else vectors
    searched = MappedVectors(layout.searched) if has_text else adapted
    has_features = set(FEATURE_FILES) <= set(record.files)
    products, images = _read_arrow(layout.products), _read_arrow(layout.images)
    has_lookups = set(LOOKUP_FILES) <= set(record.files)
    has_colours = set(COLOUR_FILES) <= set(record.files)
    image_product = images["product"].to_numpy()
    colours = load_array(layout.colours) if has_colours else None
    return SegmentFiles(
        states=states,
        vectors=vectors,
        adapted=adapted,
        searched=searched,
        neighbours=NeighbourIndex.open(
            layout.neighbours, searched, record.neighbours.kind, record.neighbours.efforts
        ),
        keywords=_open_keywords(layout, record),
        products=products,
        fields=_read_arrow(layout.fields),
        images=images,
        image_product=image_product,
        thumbnails=memoryview(map_file(layout.thumbnails)),
        by_id=Lookup.open(layout.product_lookup) if has_lookups else _index_ids(products),
        by_content=Lookup.open(layout.image_lookup) if has_lookups else _index_contents(images),
        colours=colours,
        product_colours=(
            None if colours is None else ProductColours(colours, image_product, record.products)
        ),
        features=MappedVectors(layout.features).array if has_features else None,
    )


def _check_shapes(files: SegmentFiles, record: SegmentRecord, dim: int) -> None:
    vectors = (record.images, dim)
    sizes: list[tuple[object, object]] = [
        (files.vectors.array.shape, vectors),
        (files.adapted.array.shape, vectors),
        (files.searched.array.shape, vectors),
        ((files.neighbours.count, files.neighbours.dim), vectors),
        (files.images.num_rows, record.images),
        (files.products.num_rows, record.products),
        (files.fields.num_rows, record.products),
        (len(files.by_id), record.products),
        (len(files.by_content), record.images),
    ]
    if files.features is not None:
        sizes.append((len(files.features), record.images))
    if files.keywords is not None:
        sizes.append((files.keywords.products, record.products))
    if files.colours is not None:
        form = (files.colours.shape, files.colours.dtype.str)
        sizes.append((form, ((record.images, *COLOURS_SHAPE), "|u1")))
    for found, expected in sizes:
        if found != expected:
            raise DamagedIndexError(
                f"Segment {record.id} holds {found} where its manifest says {expected}."
            )


def _open_keywords(layout: SegmentLayout, record: SegmentRecord) -> KeywordIndex | None:
    if KEYWORDS_META not in record.files:
        return None
    return KeywordIndex.open(layout.root, [name for name in record.files if is_keyword_file(name)])


def _read_arrow(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(map_file(path)))).read_all()


def _index_ids(products: pa.Table) -> Lookup:
    return Lookup.of(id_keys(products["id"].to_pylist()))


def _index_contents(images: pa.Table) -> Lookup:
    joined = b"".join(images["sha256"].to_pylist())
    hashes = np.frombuffer(joined, np.uint8).reshape(-1, _SHA256_BYTES)
    return Lookup.of(content_keys(hashes))
