"""Generations: what a manifest says, how one is published, and which one is live."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from indexer.calibration.model import Confidence, confidence_from_json, confidence_to_json
from indexer.catalog.fields import FieldType
from indexer.errors import DamagedIndexError, NoIndexError
from indexer.retrieval.ann import Effort, Kind, QueryKind
from indexer.storage.atomic_files import replace_file, sync_folder
from indexer.storage.layout import Layout

__all__ = [
    "FORMAT",
    "EncoderRecord",
    "FileRecord",
    "Manifest",
    "NamedFile",
    "NeighboursRecord",
    "SegmentRecord",
    "TaggingRecord",
    "adopt_segment",
    "generations",
    "live_generation",
    "make_live",
    "new_generation",
    "publish",
    "read_manifest",
    "remove_orphans",
]

FORMAT = 4
# Format 1 had no deleted rows, no lookups, no checksum, and only flat indexes; format 2 had no
# keywords; format 3 had no colours and no tags.
_READABLE = (1, 2, 3, 4)


@dataclass(frozen=True)
class FileRecord:
    """A file's size in bytes and its SHA-256 in hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class NeighboursRecord:
    """A segment's FAISS index.

    Attributes:
        kind: What it is.
        efforts: How hard a search looks, by kind of query; tuned when it was built.
        recall: Share of the ten nearest that it found then, by kind of query; empty where it
            compares with everything.
    """

    kind: Kind = Kind.FLAT
    efforts: Mapping[QueryKind, Effort] = field(default_factory=dict)
    recall: Mapping[QueryKind, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NamedFile:
    """A file of the index folder's `tags`.

    Attributes:
        name: Its name there.
        record: What it must consist of.
    """

    name: str
    record: FileRecord


@dataclass(frozen=True)
class TaggingRecord:
    """What the tags of a generation come from.

    Attributes:
        taxonomy: The taxonomy's name.
        version: The taxonomy's own version.
        digest: `TagChoice.digest` of what was chosen, by which another choice is told from it.
        labels: The taxonomy itself.
        fit: What its labels are for the encoder (`tagging.fitted`), so that later builds tag alike.
        fields: The product fields that hold the tags, and their types, in the taxonomy's order.
    """

    taxonomy: str
    version: int
    digest: str
    labels: NamedFile
    fit: NamedFile
    fields: Mapping[str, str]


@dataclass(frozen=True)
class SegmentRecord:
    """A segment of a generation, with the files it must consist of.

    Attributes:
        id: Its folder's name.
        products: Products in its files, deleted ones included.
        images: Pictures in its files, those of deleted products included.
        files: Its files by name.
        neighbours: Its FAISS index.
        deleted: Rows of products that this generation has no more, as `rows.format_ranges` writes
            them; this and the tags differ between the generations that share a segment.
        deleted_products: How many rows those are.
        deleted_images: How many pictures those products have.
        text_weight: The titles' share in the vectors that are searched, 0 to 1.
        tags: The tags of its products; None in a generation without.
    """

    id: str
    products: int
    images: int
    files: Mapping[str, FileRecord]
    neighbours: NeighboursRecord = NeighboursRecord()
    deleted: str = ""
    deleted_products: int = 0
    deleted_images: int = 0
    text_weight: float = 0.0
    tags: NamedFile | None = None


@dataclass(frozen=True)
class EncoderRecord:
    """The encoder that made the vectors."""

    name: str
    fingerprint: str
    dim: int


@dataclass(frozen=True)
class Manifest:
    """One generation of an index.

    Attributes:
        generation: 1 for the first, one more for each publication.
        created: UTC, ISO 8601.
        encoder: What made every vector in it.
        segments: What it consists of, in order.
        products: Number of products that can be found.
        images: Number of pictures that can be found.
        fields: Product fields and their types, in catalog order.
        catalog: Name of the catalog's file or folder, for people.
        confidence: What turns cosines into probabilities; None in an index of an older version.
        replaces: The generation that was live before; None for the first, and in an index of an
            older version.
        tagging: What its tags come from; None for no tags.
    """

    generation: int
    created: str
    encoder: EncoderRecord
    segments: tuple[SegmentRecord, ...]
    products: int
    images: int
    fields: Mapping[str, str]
    catalog: str
    confidence: Confidence | None = None
    replaces: int | None = None
    tagging: TaggingRecord | None = None

    @property
    def columns(self) -> dict[str, str]:
        """All fields that can be shown, filtered and counted: the catalog's, then the tags'."""
        return {**self.fields, **(self.tagging.fields if self.tagging is not None else {})}

    @property
    def tag_files(self) -> dict[str, FileRecord]:
        """The files it has in the index folder's `tags`."""
        files = [segment.tags for segment in self.segments if segment.tags is not None]
        if self.tagging is not None:
            files += [self.tagging.labels, self.tagging.fit]
        return {file.name: file.record for file in files}

    @property
    def text_weight(self) -> float:
        """The titles' share in the vectors that are searched, the same in every segment."""
        return self.segments[0].text_weight if self.segments else 0.0

    def to_json(self) -> str:
        """The manifest file's text; it ends with a checksum of all the rest."""
        content = {"format": FORMAT, **asdict(self)}
        content["confidence"] = confidence_to_json(self.confidence)
        content["sha256"] = _checksum(content)
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_manifest(layout: Layout, generation: int) -> Manifest:
    """Read a generation's manifest.

    Raises:
        DamagedIndexError: If it is missing, damaged, or of a format that this version can't read.
    """
    path = layout.manifest(generation)
    try:
        raw = json.loads(path.read_text("utf-8"))
        found = raw["format"]
        if found not in _READABLE:
            raise DamagedIndexError(
                f"{path.name} has index format {found!r}; this version reads formats up to "
                f"{FORMAT}. Rebuild the index, or use a matching version of lookalike."
            )
        if found > 1 and raw.pop("sha256") != _checksum(raw):
            raise DamagedIndexError(f"{path.name} was changed after it was written.")
        manifest = _parse(raw)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedIndexError(
            f"The manifest {path.name} is missing or damaged. Rebuild the index to mend it."
        ) from error
    if manifest.generation != generation:
        raise DamagedIndexError(f"{path.name} says it is generation {manifest.generation}.")
    return manifest


def new_generation(
    layout: Layout,
    *,
    encoder: EncoderRecord,
    segments: Sequence[SegmentRecord],
    fields: Mapping[str, str],
    catalog: str,
    confidence: Confidence | None = None,
    tagging: TaggingRecord | None = None,
) -> Manifest:
    """The manifest of the next generation; its number is one above every one on disk."""
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
    )


def adopt_segment(layout: Layout, segment_id: str) -> None:
    """Move a durable segment from staging to where manifests may name it."""
    layout.segments.mkdir(exist_ok=True)
    (layout.staging / segment_id).rename(layout.segment(segment_id).root)
    sync_folder(layout.segments)


def publish(layout: Layout, manifest: Manifest) -> None:
    """Make a generation live. Its segments must be durable already."""
    layout.manifests.mkdir(parents=True, exist_ok=True)
    path = layout.manifest(manifest.generation)
    replace_file(path, manifest.to_json().encode())
    make_live(layout, manifest.generation)


def make_live(layout: Layout, generation: int) -> None:
    """Point CURRENT at a generation that is there already, in one step."""
    replace_file(layout.current, f"{layout.manifest(generation).name}\n".encode())


def live_generation(layout: Layout) -> int:
    """The generation that CURRENT names.

    Raises:
        NoIndexError: If nothing was ever published in this folder.
        DamagedIndexError: If CURRENT is missing or names no manifest, while manifests exist.
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
    """The generations on disk, newest first."""
    if not layout.manifests.is_dir():
        return
    names = (path.stem for path in layout.manifests.glob("*.json"))
    yield from sorted((int(name) for name in names if name.isdigit()), reverse=True)


def remove_orphans(layout: Layout) -> None:
    """Remove segments and tags that no manifest names: a crash left them before publishing.

    The unfinished build's database stays. Only the holder of the write lock may call this.
    """
    if layout.staging.is_dir():
        for folder in layout.staging.iterdir():
            if folder.is_dir():
                shutil.rmtree(folder)
    try:
        manifests = [read_manifest(layout, generation) for generation in generations(layout)]
    except DamagedIndexError:
        # It may name any of them; mending is for a person.
        return
    named = {segment.id for manifest in manifests for segment in manifest.segments}
    for folder in layout.segments.iterdir() if layout.segments.is_dir() else ():
        if folder.name not in named:
            shutil.rmtree(folder)
    tags = {name for manifest in manifests for name in manifest.tag_files}
    for file in layout.tags.iterdir() if layout.tags.is_dir() else ():
        if file.name not in tags:
            file.unlink()


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _parse(raw: dict[str, Any]) -> Manifest:
    if raw.pop("format") == 1:
        raw.pop("kind")
    raw["encoder"] = EncoderRecord(**raw["encoder"])
    raw["segments"] = tuple(_segment(segment) for segment in raw["segments"])
    raw["fields"] = {name: str(FieldType(kind)) for name, kind in raw["fields"].items()}
    confidence = confidence_from_json(raw.pop("confidence", None))
    tagging = _tagging(raw.pop("tagging", None))
    return Manifest(**raw, confidence=confidence, tagging=tagging)


def _tagging(raw: dict[str, Any] | None) -> TaggingRecord | None:
    if raw is None:
        return None
    fields = {name: str(FieldType(kind)) for name, kind in raw.pop("fields").items()}
    labels, fit = _named_file(raw.pop("labels")), _named_file(raw.pop("fit"))
    return TaggingRecord(**raw, labels=labels, fit=fit, fields=fields)


def _named_file(raw: dict[str, Any]) -> NamedFile:
    name = raw["name"]
    if not name or "/" in name or name.startswith("."):  # a way out of the folder
        raise ValueError(name)
    return NamedFile(name, FileRecord(**raw["record"]))


def _segment(raw: dict[str, Any]) -> SegmentRecord:
    files = {name: FileRecord(**record) for name, record in raw.pop("files").items()}
    tags = _named_file(raw["tags"]) if raw.get("tags") is not None else None
    raw.pop("tags", None)
    neighbours = raw.pop("neighbours", {"kind": "flat", "efforts": {}, "recall": {}})
    record = NeighboursRecord(
        kind=Kind(neighbours["kind"]),
        efforts={QueryKind(kind): Effort(**e) for kind, e in neighbours["efforts"].items()},
        recall={QueryKind(kind): float(share) for kind, share in neighbours["recall"].items()},
    )
    return SegmentRecord(files=files, neighbours=record, tags=tags, **raw)
