"""Layout of the index folder: the name of every file, declared once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ADAPTED_FILES",
    "COLOUR_FILES",
    "FEATURE_FILES",
    "KEYWORDS_META",
    "LOOKUP_FILES",
    "SEGMENT_FILES",
    "TEXT_FILES",
    "Layout",
    "SegmentLayout",
    "is_keyword_file",
    "keyword_file",
]


@dataclass(frozen=True)
class SegmentLayout:
    """The files of one segment.

    A row of `vectors`, `neighbours` and `images` is one image, in the same order. A row of
    `products` and `fields` is one product, in the same order.
    """

    root: Path

    @property
    def vectors(self) -> Path:
        """`[images, dim]` float16 unit vectors, as `numpy.save` writes them."""
        return self.root / "vectors.npy"

    @property
    def neighbours(self) -> Path:
        """The FAISS index over the vectors."""
        return self.root / "neighbours.faiss"

    @property
    def images(self) -> Path:
        """Arrow file: the product that an image belongs to, its origin, hash and thumbnail."""
        return self.root / "images.arrow"

    @property
    def products(self) -> Path:
        """Arrow file: product ids, each product's run of images, and its digest."""
        return self.root / "products.arrow"

    @property
    def fields(self) -> Path:
        """Arrow file: the catalog's other columns."""
        return self.root / "fields.arrow"

    @property
    def thumbnails(self) -> Path:
        """WebP files one after another; `images` holds their offsets."""
        return self.root / "thumbnails.bin"

    @property
    def product_lookup(self) -> Path:
        """Product rows by `id_key` (since format 2)."""
        return self.root / "product_lookup.npy"

    @property
    def image_lookup(self) -> Path:
        """Image rows by `content_key` (since format 2)."""
        return self.root / "image_lookup.npy"

    @property
    def searched(self) -> Path:
        """Float16 vectors with titles mixed in, if there are; the FAISS index is over these."""
        return self.root / TEXT_FILES[0]

    @property
    def adapted(self) -> Path:
        """`[images, dim]` float16 unit vectors by the index's map, before titles are mixed in."""
        return self.root / ADAPTED_FILES[0]

    @property
    def features(self) -> Path:
        """`[images, width]` float16 features that the map takes, where they are kept."""
        return self.root / FEATURE_FILES[0]

    @property
    def colours(self) -> Path:
        """`[images, 5, 4]` measured colours (since format 4)."""
        return self.root / COLOUR_FILES[0]

    @property
    def keywords(self) -> Path:
        """Folder of the tantivy index over the words of the product fields (since format 3)."""
        return self.root / "keywords"


SEGMENT_FILES = (
    "vectors.npy",
    "neighbours.faiss",
    "images.arrow",
    "products.arrow",
    "fields.arrow",
    "thumbnails.bin",
)
"""The files of every segment, in all formats."""

LOOKUP_FILES = ("product_lookup.npy", "image_lookup.npy")
"""Files that format 2 added."""

KEYWORDS_META = "keywords/meta.json"
"""A file that format 3 added, beside tantivy's six files for each run of products, mostly one."""

TEXT_FILES = ("searched.npy",)
"""Files that format 3 added, in segments that are searched by other vectors than the images'."""

COLOUR_FILES = ("colours.npy",)
"""Files that format 4 added."""

ADAPTED_FILES = ("adapted.npy",)
"""Files of segments whose vectors an index's map has changed."""

FEATURE_FILES = ("features.npy",)
"""Files of segments that keep what a map is learned from."""

_KEYWORD_FILE = re.compile(r"keywords/([0-9]{1,4}\.(fast|fieldnorm|idx|pos|store|term)|meta\.json)")


def keyword_file(number: int, kind: str) -> str:
    """Return the name of a file of a keyword index, relative to the segment."""
    return f"keywords/{number}.{kind}"


def is_keyword_file(name: str) -> bool:
    """Return whether a segment's file belongs to its keyword index."""
    return _KEYWORD_FILE.fullmatch(name) is not None


@dataclass(frozen=True)
class Layout:
    """The index folder."""

    root: Path

    @property
    def current(self) -> Path:
        """Text file with the name of the live manifest."""
        return self.root / "CURRENT"

    @property
    def manifests(self) -> Path:
        """Folder of manifests, one for each generation."""
        return self.root / "manifests"

    @property
    def segments(self) -> Path:
        """Folder of segments."""
        return self.root / "segments"

    @property
    def tags(self) -> Path:
        """Folder of taxonomies, and of the tags of each segment (since format 4)."""
        return self.root / "tags"

    @property
    def maps(self) -> Path:
        """Folder of maps that indexes learned from their catalogs."""
        return self.root / "maps"

    @property
    def fetched(self) -> Path:
        """Database of what servers call the images that were fetched; it may be deleted."""
        return self.root / "fetched.sqlite"

    @property
    def staging(self) -> Path:
        """Work in progress of an unfinished build."""
        return self.root / "staging"

    @property
    def ledger(self) -> Path:
        """The unfinished build's database."""
        return self.staging / "ledger.sqlite"

    @property
    def released(self) -> Path:
        """Ids of products whose images a person has released from moderation, a JSON list."""
        return self.root / "released.json"

    @property
    def quarantine(self) -> Path:
        """Catalog rows that the last build could not index, one JSON object a line."""
        return self.root / "quarantine.jsonl"

    @property
    def writes(self) -> Path:
        """Database of what was written over HTTP: what is not in a generation yet, and versions."""
        return self.root / "writes.sqlite"

    @property
    def lock(self) -> Path:
        """File that is locked by the one process that may write."""
        return self.root / "write.lock"

    def manifest(self, generation: int) -> Path:
        """Return the path of a generation's manifest."""
        return self.manifests / f"{generation:06d}.json"

    def segment(self, segment_id: str) -> SegmentLayout:
        """Return the paths of a segment's files."""
        return SegmentLayout(self.segments / segment_id)
