"""Merge: writes all segments of the live generation as one, without deleted rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from embeddings import Encoder, FloatArray
from indexer.build.texts import QuerySample
from indexer.build.update import stored_products
from indexer.catalog import FieldType
from indexer.index import Index, merge_tags, new_segment_id, write_segment
from indexer.retrieval import NeighbourOptions, build_neighbours
from indexer.storage import (
    IndexKind,
    Layout,
    SegmentLayout,
    SegmentRecord,
    adopt_segment,
    exclusive_writing,
    new_generation,
    publish,
    remove_empty_staging,
    remove_orphans,
)

__all__ = ["MergeReport", "kept_features", "merge"]


@dataclass(frozen=True)
class MergeReport:
    """Result of a merge.

    Attributes:
        generation: The generation that is live now.
        merged: Number of segments that became one; 0 if there was nothing to do.
        products: Number of products in the index.
        images: Number of images in the index.
        kind: The kind of its FAISS index.
    """

    generation: int
    merged: int
    products: int
    images: int
    kind: IndexKind


def merge(
    path: Path,
    load_encoder: Callable[[str], Encoder],
    options: NeighbourOptions | None = None,
) -> MergeReport:
    """Write the live generation anew as one segment, and publish it.

    No image is embedded. An index of one segment without deleted rows stays as it is, unless
    `options` ask for another kind, or its format had no keywords or colours.

    Args:
        path: The index folder.
        load_encoder: Loads the encoder of a name; called only if text queries are needed to
            measure an approximate index.
        options: The kind of FAISS index.

    Raises:
        NoIndexError: If nothing was ever published there.
        DamagedIndexError: If no generation is intact.
        EncoderMismatchError: The encoder that was loaded did not build the index.
        IndexLockedError: Another process is writing this index.
        BuildError: The index folder can't be written.
        BuildInterruptedError: On Ctrl-C; the live generation is unchanged.
    """
    layout = Layout(path)
    Index.open(path)  # raises before a folder or a lock is made where there is no index
    with exclusive_writing(layout):
        return _merge_locked(layout, load_encoder, options or NeighbourOptions())


def _merge_locked(
    layout: Layout, load_encoder: Callable[[str], Encoder], options: NeighbourOptions
) -> MergeReport:
    index = Index.open(layout.root)
    manifest = index.manifest
    remove_orphans(layout)
    kinds = {segment.neighbours.kind for segment in manifest.segments}
    right_kind = options.kind is None or kinds == {options.kind}
    compact = len(manifest.segments) == 1 and not manifest.segments[0].deleted
    complete = not any(s.keywords is None or s.colours is None for s in index.segments)
    if (compact and right_kind and complete) or not manifest.products:
        remove_empty_staging(layout)
        return _report(index, merged=0)

    record = _write_merged(layout, index, load_encoder, options)
    merged = new_generation(
        layout,
        encoder=manifest.encoder,
        segments=[replace(record, tags=merge_tags(layout, index))],
        fields=manifest.fields,
        catalog=manifest.catalog,
        confidence=manifest.confidence,
        tagging=manifest.tagging,
        examination=manifest.examination,
        adaptation=manifest.adaptation,
    )
    adopt_segment(layout, record.id)
    publish(layout, merged)
    remove_empty_staging(layout)
    return replace(
        _report(index, merged=len(manifest.segments)),
        generation=merged.generation,
        kind=record.neighbours.kind,
    )


def _write_merged(
    layout: Layout,
    index: Index,
    load_encoder: Callable[[str], Encoder],
    options: NeighbourOptions,
) -> SegmentRecord:
    """Write the products of all segments into one in staging."""
    manifest = index.manifest
    sample = QuerySample()

    def text_queries() -> FloatArray:
        encoder = load_encoder(manifest.encoder.name)
        index.check_encoder(encoder.spec)
        return sample.embed(encoder)

    products = (
        product
        for segment in index.segments
        for product in stored_products(
            segment, segment.alive, manifest.text_weight, segment.record.adaptation
        )
    )
    return write_segment(
        SegmentLayout(layout.staging / new_segment_id()),
        sample.watch(products),
        {name: FieldType(kind) for name, kind in manifest.fields.items()},
        manifest.encoder.dim,
        lambda written: build_neighbours(written, options, text_queries),
        text_weight=manifest.text_weight,
        findings=bool(manifest.examination),
        adaptation=index.segments[0].record.adaptation,
        features=kept_features(index),
    )


def kept_features(index: Index) -> int:
    """Return how many features of every image the index keeps; 0 for none."""
    kept = [segment.features for segment in index.segments]
    return 0 if any(each is None for each in kept) else int(kept[0].shape[1])  # type: ignore[union-attr]


def _report(index: Index, *, merged: int) -> MergeReport:
    manifest = index.manifest
    kinds = [segment.neighbours.kind for segment in manifest.segments]
    return MergeReport(
        generation=manifest.generation,
        merged=merged,
        products=manifest.products,
        images=manifest.images,
        kind=kinds[0] if kinds else IndexKind.FLAT,
    )
