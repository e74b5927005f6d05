"""Opening of a generation: manifest, segments and tags, with a fallback where files are damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from indexer.adaptation import AdaptationMap
from indexer.catalog import FieldType
from indexer.errors import DamagedIndexError, NoIndexError
from indexer.index.segments import Segment, open_segment_files
from indexer.index.tag_files import TagTable, open_tags, verify_tag_file
from indexer.storage import (
    Layout,
    Manifest,
    SegmentRecord,
    generations,
    live_generation,
    read_manifest,
    verify_file,
)

__all__ = ["index_exists", "open_generation", "open_map", "open_segments"]


Opened = tuple[Manifest, tuple[Segment, ...], AdaptationMap | None]


def open_generation(
    path: Path, generation: int | None = None, previous: Sequence[Segment] = ()
) -> Opened:
    """Open the live generation, or the newest intact one if that is damaged.

    Args:
        path: The index folder.
        generation: Open exactly this one instead.
        previous: Segments of another generation of the same folder; what both generations have is
            shared and not read again.

    Raises:
        NoIndexError: Nothing was ever published there.
        DamagedIndexError: No generation is intact, or the one requested is not.
    """
    layout = Layout(path)
    if generation is not None:
        return _open_exactly(layout, generation, previous)
    try:
        return _open_exactly(layout, live_generation(layout), previous)
    except DamagedIndexError as error:
        return _open_newest_intact(layout, previous, error)


def _open_exactly(layout: Layout, generation: int, previous: Sequence[Segment]) -> Opened:
    manifest = read_manifest(layout, generation)
    segments = open_segments(layout, manifest, previous)
    return manifest, segments, open_map(layout, manifest)


def _open_newest_intact(
    layout: Layout, previous: Sequence[Segment], damage: DamagedIndexError
) -> Opened:
    import structlog

    for generation in generations(layout):
        try:
            opened = _open_exactly(layout, generation, previous)
        except DamagedIndexError:
            continue
        structlog.get_logger(__name__).warning(
            "live generation is damaged, serving another one",
            problem=damage.message,
            generation=generation,
        )
        return opened
    raise DamagedIndexError(
        f"No generation of this index is intact. {damage.message} Rebuild it."
    ) from damage


def open_segments(
    layout: Layout, manifest: Manifest, previous: Sequence[Segment] = ()
) -> tuple[Segment, ...]:
    """Open the segments of the generation that a manifest describes, published or not.

    Args:
        layout: Of the index folder.
        manifest: The generation.
        previous: As for `open_generation`.

    Raises:
        DamagedIndexError: A file is missing or changed, or the files don't fit the manifest.
    """
    if manifest.tagging is not None:
        for file in (manifest.tagging.labels, manifest.tagging.fit):
            verify_tag_file(layout, file)
    open_one = _segment_opener(layout, manifest, previous)
    segments = tuple(open_one(record) for record in manifest.segments)
    _check_counts(manifest, segments)
    _check_tags(manifest, segments)
    return segments


def open_map(layout: Layout, manifest: Manifest) -> AdaptationMap | None:
    """Read the map of a generation, after comparing it with its hash; None if there is none.

    Raises:
        DamagedIndexError: The file is missing, was changed, or is not the map of its encoder; or a
            segment was adapted by another one.
    """
    record, encoder = manifest.adaptation, manifest.encoder
    digest = record.digest if record is not None else ""
    if any(segment.adaptation != digest for segment in manifest.segments):
        raise DamagedIndexError("A segment was adapted by another map than its manifest's.")
    if record is None or record.file is None:
        return None
    path = layout.maps / record.file.name
    verify_file(path, record.file.record, f"maps/{record.file.name}")
    return AdaptationMap.read(path, encoder.fingerprint, encoder.dim)


def _segment_opener(
    layout: Layout, manifest: Manifest, previous: Sequence[Segment]
) -> Callable[[SegmentRecord], Segment]:
    types = {name: FieldType(kind) for name, kind in manifest.fields.items()}
    opened = {segment.record.id: segment for segment in previous}

    def open_one(record: SegmentRecord) -> Segment:
        before = opened.get(record.id)
        tags = _open_tags(layout, record, before)
        if before is not None and before.record.files == record.files:
            return before.in_generation(record, types, tags)
        files = open_segment_files(layout.segment(record.id), record, manifest.encoder.dim)
        return Segment(files, record, types, tags)

    return open_one


def _open_tags(layout: Layout, record: SegmentRecord, before: Segment | None) -> TagTable | None:
    if record.tags is None:
        return None
    if before is not None and before.tags is not None and before.tags.file == record.tags:
        return before.tags
    return open_tags(layout, record.tags, record.products)


def _check_counts(manifest: Manifest, segments: Sequence[Segment]) -> None:
    counts = {
        "products": (sum(segment.products for segment in segments), manifest.products),
        "images": (sum(segment.images for segment in segments), manifest.images),
    }
    for name, (found, expected) in counts.items():
        if found != expected:
            raise DamagedIndexError(
                f"The segments hold {found} {name} where the manifest says {expected}."
            )


def _check_tags(manifest: Manifest, segments: Sequence[Segment]) -> None:
    wanted = set(manifest.tagging.fields if manifest.tagging is not None else ())
    for segment in segments:
        if set(segment.field_table.column_names) - set(manifest.fields) != wanted:
            raise DamagedIndexError(
                f"The tags of segment {segment.record.id} are not those of its manifest."
            )


def index_exists(path: Path) -> bool:
    """Return whether anything was ever published in a folder."""
    try:
        live_generation(Layout(path))
    except NoIndexError:
        return False
    except DamagedIndexError:
        return True
    return True
