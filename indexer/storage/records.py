"""Records of a manifest: files, segments, encoder, tags, and the FAISS index of a segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "TUNED_KINDS",
    "AdaptationRecord",
    "Effort",
    "EncoderRecord",
    "FileRecord",
    "IndexKind",
    "NamedFile",
    "NeighboursRecord",
    "QueryKind",
    "SegmentRecord",
    "TaggingRecord",
]


class IndexKind(StrEnum):
    """The kind of a FAISS index.

    FLAT compares with every vector. HNSW walks a graph of neighbours over float16 vectors (Malkov
    and Yashunin 2018, arXiv:1603.09320); it holds the codes of IVFPQ too, for searches with narrow
    filters. In version 0.2 the graph's vectors had components of 8 bits. IVFPQ compares with the
    short codes of the vectors in the nearest of about 4 sqrt(n) clusters, 4 bits for every 2
    components of the difference to the cluster's centre (Jegou et al. 2011; in registers: Andre et
    al. 2015, "Cache locality is not enough"), and ranks its candidates again by the stored vectors.
    """

    FLAT = "flat"
    HNSW = "hnsw"
    IVFPQ = "ivfpq"


class QueryKind(StrEnum):
    """What a query vector is made of.

    Text vectors lie apart from all image vectors, so that a search for text needs more effort.
    Indices are tuned for IMAGE and TEXT (`TUNED_KINDS`); a MIXED query lies nearer to text and is
    searched with its effort. Confidence is calibrated for each of the three.
    """

    IMAGE = "image"
    TEXT = "text"
    MIXED = "mixed"


TUNED_KINDS = (QueryKind.IMAGE, QueryKind.TEXT)
"""The kinds of query for which a segment's manifest records an effort and a recall."""


@dataclass(frozen=True)
class Effort:
    """The effort of an approximate search.

    Attributes:
        breadth: Clusters visited (IVFPQ), or nodes kept in view (HNSW's efSearch). With candidates
            but without a breadth, HNSW leaves all searches to its clusters.
        candidates: Rows ranked again by their stored vectors; in a graph with clusters, those of a
            search with a narrow filter.
    """

    breadth: int
    candidates: int


@dataclass(frozen=True)
class FileRecord:
    """A file's size in bytes and its SHA-256 in hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class NeighboursRecord:
    """A segment's FAISS index.

    Attributes:
        kind: The kind.
        efforts: The effort of a search, by kind of query; tuned when it was built.
        recall: Recall@10 measured at that time, by kind of query; empty where it is exact.
    """

    kind: IndexKind = IndexKind.FLAT
    efforts: Mapping[QueryKind, Effort] = field(default_factory=dict)
    recall: Mapping[QueryKind, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NamedFile:
    """A file of the index folder's `tags` or `maps`.

    Attributes:
        name: Its name there.
        record: Its size and hash.
    """

    name: str
    record: FileRecord


@dataclass(frozen=True)
class TaggingRecord:
    """The taxonomy of a generation's tags, and its fit to the encoder.

    Attributes:
        taxonomy: The taxonomy's name.
        version: The taxonomy's own version.
        digest: `TagChoice.digest` of the choice, to compare another choice with it.
        labels: The taxonomy itself.
        fit: The fit of its labels to the encoder, so that later builds tag in the same way.
        fields: The product fields that hold the tags, and their types, in the taxonomy's order.
    """

    taxonomy: str
    version: int
    digest: str
    labels: NamedFile
    fit: NamedFile
    fields: Mapping[str, str]


@dataclass(frozen=True)
class AdaptationRecord:
    """What a generation learned from its catalog, or why it learned nothing.

    Attributes:
        choice: What was asked for: `auto`, or names of fields with commas between them.
        reason: Why there is no map; empty if there is one.
        file: The map; None for none.
        fields: What was learned from: `title`, and names of fields.
        products: Number of products learned from.
        weight: Length of the map's part of a vector beside the model's own.
        gains: For each measure its name, the mean before and after, and the number of queries, on
            products that were not learned from.
        width: Number of features that the map takes.
    """

    choice: str
    reason: str = ""
    file: NamedFile | None = None
    fields: tuple[str, ...] = ()
    products: int = 0
    weight: float = 0.0
    gains: tuple[tuple[str, float, float, int], ...] = ()
    width: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the map; empty for none."""
        return self.file.record.sha256 if self.file is not None else ""


@dataclass(frozen=True)
class SegmentRecord:
    """A segment of a generation, with the sizes and hashes of its files.

    Attributes:
        id: Its folder's name.
        products: Products in its files, deleted ones included.
        images: Images in its files, those of deleted products included.
        files: Its files by name.
        neighbours: Its FAISS index.
        deleted: Rows of products that this generation has deleted, as `format_ranges` writes them.
            These and the tags differ between the generations that share a segment.
        deleted_products: Number of those rows.
        deleted_images: Number of images of those products.
        text_weight: The titles' share in the vectors that are searched, 0 to 1.
        tags: The tags of its products; None in a generation without.
        adaptation: SHA-256 (hex) of the map by which its vectors were adapted; empty for none.
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
    adaptation: str = ""


@dataclass(frozen=True)
class EncoderRecord:
    """The encoder of the vectors: its name, fingerprint, and the length of its vectors."""

    name: str
    fingerprint: str
    dim: int
