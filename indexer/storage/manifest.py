"""Manifest of a generation: its content, and reading and writing it with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from indexer.catalog import FieldType
from indexer.errors import DamagedIndexError
from indexer.storage.layout import Layout
from indexer.storage.records import (
    AdaptationRecord,
    Effort,
    EncoderRecord,
    FileRecord,
    IndexKind,
    NamedFile,
    NeighboursRecord,
    QueryKind,
    SegmentRecord,
    TaggingRecord,
)

__all__ = ["FORMAT", "Manifest", "read_manifest"]

FORMAT = 4
# Format 1 has no deleted rows, no lookups, no checksum, and only flat indexes. Format 2 has no
# keywords. Format 3 has no colours and no tags.
_READABLE = (1, 2, 3, 4)


@dataclass(frozen=True)
class Manifest:
    """One generation of an index.

    Attributes:
        generation: 1 for the first, one more for each publication.
        created: UTC, ISO 8601.
        encoder: The encoder of every vector in it.
        segments: Its segments, in order.
        products: Number of products that can be found.
        images: Number of images that can be found.
        fields: Product fields and their types, in catalog order.
        catalog: Name of the catalog's file or folder, for people.
        confidence: The fitted confidence calibration, as the JSON that `indexer.calibration` reads
            and writes; None in an index of an older version.
        replaces: The generation that was live before; None for the first, and in an index of an
            older version.
        tagging: The taxonomy of its tags and its fit; None for no tags.
        examination: What was looked for in its images, as `embeddings.vision.Examination.key`;
            empty for nothing.
        adaptation: What it learned from its catalog; None if it was not to learn.
    """

    generation: int
    created: str
    encoder: EncoderRecord
    segments: tuple[SegmentRecord, ...]
    products: int
    images: int
    fields: Mapping[str, str]
    catalog: str
    confidence: Mapping[str, Any] | None = None
    replaces: int | None = None
    tagging: TaggingRecord | None = None
    examination: str = ""
    adaptation: AdaptationRecord | None = None

    @property
    def columns(self) -> dict[str, str]:
        """All fields that can be shown, filtered and counted: the catalog's, then the tags'."""
        return {**self.fields, **(self.tagging.fields if self.tagging is not None else {})}

    @property
    def tag_files(self) -> dict[str, FileRecord]:
        """Its files in the index folder's `tags`, by name."""
        files = [segment.tags for segment in self.segments if segment.tags is not None]
        if self.tagging is not None:
            files += [self.tagging.labels, self.tagging.fit]
        return {file.name: file.record for file in files}

    @property
    def map_files(self) -> dict[str, FileRecord]:
        """Its file in the index folder's `maps`, by name."""
        file = self.adaptation.file if self.adaptation is not None else None
        return {} if file is None else {file.name: file.record}

    @property
    def text_weight(self) -> float:
        """The titles' share in the vectors that are searched, the same in every segment."""
        return self.segments[0].text_weight if self.segments else 0.0

    def to_json(self) -> str:
        """Return the text of the manifest file; it ends with a checksum of all the rest."""
        content = {"format": FORMAT, **asdict(self)}
        if not self.examination:  # versions that know none can read the index
            del content["examination"]
        if self.adaptation is None:
            del content["adaptation"]
        for segment in content["segments"]:
            if not segment["adaptation"]:
                del segment["adaptation"]
        content["sha256"] = _checksum(content)
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_manifest(layout: Layout, generation: int) -> Manifest:
    """Read a generation's manifest.

    Raises:
        DamagedIndexError: It is missing, damaged, or of a format that this version can't read.
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


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _parse(raw: dict[str, Any]) -> Manifest:
    if raw.pop("format") == 1:
        raw.pop("kind")
    raw["encoder"] = EncoderRecord(**raw["encoder"])
    raw["segments"] = tuple(_segment(segment) for segment in raw["segments"])
    raw["fields"] = {name: str(FieldType(kind)) for name, kind in raw["fields"].items()}
    confidence = raw.pop("confidence", None)
    tagging = _tagging(raw.pop("tagging", None))
    adaptation = _adaptation(raw.pop("adaptation", None))
    return Manifest(**raw, confidence=confidence, tagging=tagging, adaptation=adaptation)


def _adaptation(raw: dict[str, Any] | None) -> AdaptationRecord | None:
    if raw is None:
        return None
    file = None if raw["file"] is None else _named_file(raw["file"])
    gains = tuple((str(n), float(a), float(b), int(q)) for n, a, b, q in raw["gains"])
    return AdaptationRecord(
        **{**raw, "file": file, "fields": tuple(map(str, raw["fields"])), "gains": gains}
    )


def _tagging(raw: dict[str, Any] | None) -> TaggingRecord | None:
    if raw is None:
        return None
    fields = {name: str(FieldType(kind)) for name, kind in raw.pop("fields").items()}
    labels, fit = _named_file(raw.pop("labels")), _named_file(raw.pop("fit"))
    return TaggingRecord(**raw, labels=labels, fit=fit, fields=fields)


def _named_file(raw: dict[str, Any]) -> NamedFile:
    name = raw["name"]
    if not name or "/" in name or name.startswith("."):  # it could leave the folder
        raise ValueError(name)
    return NamedFile(name, FileRecord(**raw["record"]))


def _segment(raw: dict[str, Any]) -> SegmentRecord:
    files = {name: FileRecord(**record) for name, record in raw.pop("files").items()}
    tags = _named_file(raw["tags"]) if raw.get("tags") is not None else None
    raw.pop("tags", None)
    neighbours = raw.pop("neighbours", {"kind": "flat", "efforts": {}, "recall": {}})
    record = NeighboursRecord(
        kind=IndexKind(neighbours["kind"]),
        efforts={QueryKind(kind): Effort(**e) for kind, e in neighbours["efforts"].items()},
        recall={QueryKind(kind): float(share) for kind, share in neighbours["recall"].items()},
    )
    return SegmentRecord(files=files, neighbours=record, tags=tags, **raw)
