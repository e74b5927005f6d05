"""Relearning: an index learns from its catalog again, from the features that it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray
from indexer.build.texts.adapting import AUTO, OFF, SAMPLE, Adapting, adapt_products
from indexer.build.texts.query_sample import QuerySample
from indexer.build.texts.title_mix import MemoryTextVectors, TitleMixer, mix_titles
from indexer.build.update import stored_products
from indexer.calibration import confidence_to_json, fit_confidence, mark_as_fitted
from indexer.catalog import FieldType, FieldValue
from indexer.colours import ColourArray
from indexer.errors import BuildError
from indexer.index import Index, Segment, merge_tags, new_segment_id, without_tags, write_segment
from indexer.retrieval import NeighbourOptions, build_neighbours
from indexer.storage import (
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

__all__ = ["AdaptReport", "adapt"]


@dataclass(frozen=True)
class AdaptReport:
    """Result of learning again.

    Attributes:
        generation: The generation that is live now.
        adapted: Whether it has a map.
        reason: Why it has none; empty if it has one.
        learned_from: `title`, and names of fields.
        products: Number of products learned from.
        gains: By measure, the mean before and after on products left out, and the queries' number.
        seconds: Duration, without loading the model.
    """

    generation: int
    adapted: bool
    reason: str
    learned_from: tuple[str, ...]
    products: int
    gains: Mapping[str, tuple[float, float, int]]
    seconds: float


@dataclass(frozen=True)
class _StoredLesson:
    """A product of the index with its first image."""

    fields: Mapping[str, FieldValue]
    sha256: bytes
    vector: NDArray[np.float16]
    features: NDArray[np.float16]
    colours: ColourArray | None


def adapt(
    path: Path, load_encoder: Callable[[str], Encoder], choice: str | None = None
) -> AdaptReport:
    """Learn from the products of the live generation, and publish the result as a new generation.

    No image is decoded or embedded. All segments become one, as in a merge.

    Args:
        path: The index folder.
        load_encoder: Loads the encoder of a name; it embeds titles and values.
        choice: `auto`, or names of fields with commas between them; by default as before.

    Raises:
        NoIndexError: If nothing was ever published there.
        DamagedIndexError: If no generation is intact.
        EncoderMismatchError: The encoder that was loaded did not build the index.
        BuildError: The index keeps no features or can't be written, or a field does not exist.
        IndexLockedError: Another process is writing this index.
        BuildInterruptedError: On Ctrl-C; the live generation is unchanged.
    """
    if choice == OFF:
        raise BuildError("To search without what was learned, use: index build --adapt off.")
    index = Index.open(path)  # raises before a folder or a lock is made where there is no index
    _check_features(index)
    encoder = load_encoder(index.manifest.encoder.name)
    index.check_encoder(encoder.spec)
    layout = Layout(path)
    with exclusive_writing(layout):
        return _adapt_locked(layout, encoder, choice)


def _adapt_locked(layout: Layout, encoder: Encoder, choice: str | None) -> AdaptReport:
    started = time.monotonic()
    index = Index.open(layout.root)
    _check_features(index)
    remove_orphans(layout)
    former = index.manifest
    if choice is None:
        choice = former.adaptation.choice if former.adaptation is not None else AUTO
    mixer = TitleMixer(encoder, former.text_weight, MemoryTextVectors())
    adapting = Adapting(layout, encoder.spec, choice, None)
    types = {name: FieldType(kind) for name, kind in former.fields.items()}
    adapting.settle(_lessons(index), types, mixer)
    record = _write(layout, index, encoder, mixer, adapting)
    manifest = new_generation(
        layout,
        encoder=former.encoder,
        segments=[replace(record, tags=merge_tags(layout, index))],
        fields=former.fields,
        catalog=former.catalog,
        tagging=former.tagging,
        examination=former.examination,
        adaptation=adapting.record,
    )
    adopt_segment(layout, record.id)
    fitted = fit_confidence(Index.of_manifest(layout, without_tags(manifest)), encoder)
    confidence = mark_as_fitted(confidence_to_json(fitted), manifest.products)
    publish(layout, replace(manifest, confidence=confidence))
    remove_empty_staging(layout)
    found = adapting.record
    assert found is not None
    return AdaptReport(
        generation=manifest.generation,
        adapted=adapting.map is not None,
        reason=found.reason,
        learned_from=found.fields,
        products=found.products,
        gains={name: (before, after, queries) for name, before, after, queries in found.gains},
        seconds=time.monotonic() - started,
    )


def _check_features(index: Index) -> None:
    if not index.segments or any(segment.features is None for segment in index.segments):
        raise BuildError(
            "This index does not keep what it would learn from. Build it anew with "
            "--keep-features --adapt auto."
        )


def _lessons(index: Index) -> Iterator[_StoredLesson]:
    """Yield a random sample of the products, always the same for the same index."""
    places = [(segment, row) for segment in index.segments for row in np.flatnonzero(segment.alive)]
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(places))[:SAMPLE])
    for segment, row in (places[place] for place in chosen.tolist()):
        yield _lesson(segment, int(row))


def _lesson(segment: Segment, row: int) -> _StoredLesson:
    image = segment.image_rows(row).start
    assert segment.features is not None
    return _StoredLesson(
        segment.catalog_row(row),
        segment.content(image),
        segment.vectors[image],
        segment.features[image],
        segment.colours[image] if segment.colours is not None else None,
    )


def _write(
    layout: Layout,
    index: Index,
    encoder: Encoder,
    mixer: TitleMixer,
    adapting: Adapting,
) -> SegmentRecord:
    """Write the products of all segments into one in staging, by the new map."""
    manifest, sample, digest = index.manifest, QuerySample(), adapting.digest
    # No map has this digest, so that nothing adapted or mixed before is taken over.
    stored = (
        product
        for segment in index.segments
        for product in stored_products(segment, segment.alive, manifest.text_weight, digest or "-")
    )
    products = sample.watch(stored)
    if adapting.map is not None:
        products = adapt_products(products, adapting.map)
    if mixer.weight:
        products = mix_titles(products, mixer)

    def text_queries() -> FloatArray:
        return sample.embed(encoder)

    return write_segment(
        SegmentLayout(layout.staging / new_segment_id()),
        products,
        {name: FieldType(kind) for name, kind in manifest.fields.items()},
        manifest.encoder.dim,
        lambda written: build_neighbours(written, NeighbourOptions(), text_queries),
        text_weight=manifest.text_weight,
        findings=bool(manifest.examination),
        adaptation=digest,
        features=encoder.spec.features,
    )
