"""Generations: what a manifest says, how one is published, and which one is live."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from indexer.durable import replace_file
from indexer.errors import DamagedIndexError, NoIndexError
from indexer.layout import Layout

__all__ = [
    "FORMAT",
    "EncoderRecord",
    "FileRecord",
    "Manifest",
    "SegmentRecord",
    "generations",
    "live_generation",
    "make_live",
    "publish",
    "read_manifest",
    "remove_orphans",
]

FORMAT = 1


@dataclass(frozen=True)
class FileRecord:
    """A file's size in bytes and its SHA-256 in hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class SegmentRecord:
    """A segment of a generation, with the files it must consist of."""

    id: str
    products: int
    images: int
    files: Mapping[str, FileRecord]


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
        products: Number of products.
        images: Number of pictures.
        fields: Product fields and their types, in catalog order.
        kind: The kind of the FAISS indexes.
        catalog: Name of the catalog's file or folder, for people.
    """

    generation: int
    created: str
    encoder: EncoderRecord
    segments: tuple[SegmentRecord, ...]
    products: int
    images: int
    fields: Mapping[str, str]
    kind: str
    catalog: str

    def to_json(self) -> str:
        """The manifest file's text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def read_manifest(layout: Layout, generation: int) -> Manifest:
    """Read a generation's manifest.

    Raises:
        DamagedIndexError: If it is missing, damaged, or of a format that this version can't read.
    """
    path = layout.manifest(generation)
    try:
        raw = json.loads(path.read_text("utf-8"))
        found = raw.pop("format")
        if found != FORMAT:
            raise DamagedIndexError(
                f"{path.name} has index format {found!r}; this version reads format {FORMAT}. "
                "Rebuild the index, or use a matching version of lookalike."
            )
        raw["encoder"] = EncoderRecord(**raw["encoder"])
        raw["segments"] = tuple(_segment(segment) for segment in raw["segments"])
        manifest = Manifest(**raw)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedIndexError(
            f"The manifest {path.name} is missing or damaged. Rebuild the index to mend it."
        ) from error
    if manifest.generation != generation:
        raise DamagedIndexError(f"{path.name} says it is generation {manifest.generation}.")
    return manifest


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


def generations(layout: Layout) -> Iterator[int]:
    """The generations on disk, newest first."""
    if not layout.manifests.is_dir():
        return
    names = (path.stem for path in layout.manifests.glob("*.json"))
    yield from sorted((int(name) for name in names if name.isdigit()), reverse=True)


def remove_orphans(layout: Layout) -> None:
    """Remove segments that no manifest names: a crash left them between writing and publishing.

    Only the holder of the write lock may call this.
    """
    if not layout.segments.is_dir():
        return
    named: set[str] = set()
    for generation in generations(layout):
        try:
            named.update(segment.id for segment in read_manifest(layout, generation).segments)
        except DamagedIndexError:
            # It may name any of them; mending is for a person.
            return
    for folder in layout.segments.iterdir():
        if folder.name not in named:
            shutil.rmtree(folder)


def _segment(raw: dict[str, object]) -> SegmentRecord:
    files = raw.pop("files")
    if not isinstance(files, dict):
        raise TypeError("files is not an object")
    records = {name: FileRecord(**record) for name, record in files.items()}
    return SegmentRecord(files=records, **raw)  # type: ignore[arg-type]
