"""Generations of an index: creation, publication, clean-up, and which one is live."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from indexer.errors import DamagedIndexError, NoIndexError
from indexer.storage.atomic_files import replace_file, sync_folder
from indexer.storage.layout import Layout
from indexer.storage.manifest import Manifest, read_manifest
from indexer.storage.records import (
    AdaptationRecord,
    EncoderRecord,
    SegmentRecord,
    TaggingRecord,
)

__all__ = [
    "adopt_segment",
    "generations",
    "live_generation",
    "make_live",
    "new_generation",
    "publish",
    "remove_empty_staging",
    "remove_orphans",
]


def new_generation(
    layout: Layout,
    *,
    encoder: EncoderRecord,
    segments: Sequence[SegmentRecord],
    fields: Mapping[str, str],
    catalog: str,
    confidence: Mapping[str, Any] | None = None,
    tagging: TaggingRecord | None = None,
    examination: str = "",
    adaptation: AdaptationRecord | None = None,
) -> Manifest:
    """Make the manifest of the next generation; its number is above all numbers on disk."""
    return Manifest(
        generation=next(generations(layout), 0) + 1,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=encoder,
        segments=tuple(segments),
        products=sum(segment.products - segment.deleted_products for segment in segments),
        images=sum(segment.images - segment.deleted_images for segment in segments),
        fields=fields,
        catalog=catalog,
        confidence=confidence,
        replaces=_live_or_none(layout),
        tagging=tagging,
        examination=examination,
        adaptation=adaptation,
    )


def adopt_segment(layout: Layout, segment_id: str) -> None:
    """Move a durable segment from staging to where manifests may name it."""
    layout.segments.mkdir(exist_ok=True)
    (layout.staging / segment_id).rename(layout.segment(segment_id).root)
    sync_folder(layout.segments)


def publish(layout: Layout, manifest: Manifest) -> None:
    """Write a generation's manifest and make it live. Its segments must be durable already."""
    layout.manifests.mkdir(parents=True, exist_ok=True)
    path = layout.manifest(manifest.generation)
    replace_file(path, manifest.to_json().encode())
    make_live(layout, manifest.generation)


def make_live(layout: Layout, generation: int) -> None:
    """Point CURRENT at a generation that exists already, in one step."""
    replace_file(layout.current, f"{layout.manifest(generation).name}\n".encode())


def live_generation(layout: Layout) -> int:
    """Return the generation that CURRENT names.

    Raises:
        NoIndexError: Nothing was ever published in this folder.
        DamagedIndexError: CURRENT is missing or names no manifest, while manifests exist.
    """
    try:
        name = layout.current.read_text("utf-8").strip()
        generation = int(name.removesuffix(".json"))
    except (OSError, ValueError) as error:
        if next(generations(layout), None) is None:
            raise NoIndexError(
                f"There is no index in {str(layout.root)!r}. "
                "Build one with `lookalike index build CATALOG --index DIR`."
            ) from error
        raise DamagedIndexError("CURRENT is missing, empty or damaged.") from error
    if not layout.manifest(generation).is_file():
        raise DamagedIndexError(f"CURRENT names {name!r}, which does not exist.")
    return generation


def _live_or_none(layout: Layout) -> int | None:
    try:
        return live_generation(layout)
    except (NoIndexError, DamagedIndexError):
        return None


def generations(layout: Layout) -> Iterator[int]:
    """Yield the generations on disk, newest first."""
    if not layout.manifests.is_dir():
        return
    names = (path.stem for path in layout.manifests.glob("*.json"))
    yield from sorted((int(name) for name in names if name.isdigit()), reverse=True)


def remove_orphans(layout: Layout) -> None:
    """Remove segments, tags and maps that no manifest names; a crash before publishing leaves such.

    The unfinished build's database stays. Only the holder of the write lock may call this.
    """
    if layout.staging.is_dir():
        for folder in layout.staging.iterdir():
            if folder.is_dir():
                shutil.rmtree(folder)
    try:
        manifests = [read_manifest(layout, generation) for generation in generations(layout)]
    except DamagedIndexError:
        # The damaged manifest may name any of them: leave all for a person to decide.
        return
    named = {segment.id for manifest in manifests for segment in manifest.segments}
    for folder in layout.segments.iterdir() if layout.segments.is_dir() else ():
        if folder.name not in named:
            shutil.rmtree(folder)
    _remove_others(layout.tags, {name for each in manifests for name in each.tag_files})
    _remove_others(layout.maps, {name for each in manifests for name in each.map_files})


def remove_empty_staging(layout: Layout) -> None:
    """Remove staging, unless it holds an unfinished build."""
    if layout.staging.is_dir() and not any(layout.staging.iterdir()):
        layout.staging.rmdir()


def _remove_others(folder: Path, named: AbstractSet[str]) -> None:
    """Remove the files of a folder that no manifest names."""
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.name not in named:
            file.unlink()
