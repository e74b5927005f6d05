"""Options of a build, its progress and its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embeddings.images import ImageLimits
from indexer.catalog import CatalogOptions
from indexer.image_loading.fetching import AddressPolicy
from indexer.index import TagChoice
from indexer.retrieval import NeighbourOptions

__all__ = ["BuildOptions", "BuildProgress", "BuildReport", "Counts"]


@dataclass(frozen=True)
class BuildOptions:
    """How to build an index.

    Attributes:
        catalog: How to read the catalog.
        limits: The largest image, in bytes and pixels.
        neighbours: The kind of FAISS index of what this build writes.
        thumbnails: Keep a thumbnail of every image in the index.
        keep_missing: Keep products of the live generation that the catalog does not list.
        addresses: The addresses that images at URLs may be fetched from.
        text_weight: Weight of the titles in the vectors that are searched, 0 to below 1; None for
            the live generation's weight, or `DEFAULT_TEXT_WEIGHT`.
        tags: The taxonomy to tag products with; None for the live generation's, if it has one.
        batch_size: Number of images given to the encoder at once.
        workers: Number of decoding processes; None chooses it by the number of processors. 0
            decodes in the calling thread, which starts sooner, but an image that hangs or kills
            its decoder then stops the build.
        max_bad: Share of catalog rows, 0 to 1, that may be unusable before the build is refused.
        decode_timeout: Seconds that decoding one image may take.
    """

    catalog: CatalogOptions = field(default_factory=CatalogOptions)
    limits: ImageLimits = field(default_factory=ImageLimits)
    neighbours: NeighbourOptions = field(default_factory=NeighbourOptions)
    thumbnails: bool = True
    keep_missing: bool = False
    addresses: AddressPolicy = AddressPolicy.PUBLIC
    text_weight: float | None = None
    tags: TagChoice | None = None
    batch_size: int = 64
    workers: int | None = None
    max_bad: float = 0.8
    decode_timeout: float = 30.0


@dataclass
class Counts:
    """Counters of a build in progress.

    Attributes:
        rows: Catalog rows read.
        reused: Images that did not need the encoder.
        refused: Rows and images that can't be used.
        embedded: Images embedded, in all passes over the catalog.
        added: Products that the former generation did not have.
        changed: Products whose fields or images differ from the former generation.
    """

    rows: int = 0
    reused: int = 0
    refused: int = 0
    embedded: int = 0
    added: int = 0
    changed: int = 0


@dataclass(frozen=True)
class BuildProgress:
    """Progress of a build.

    Attributes:
        stage: `reading` the catalog, or `writing` the new segment.
        rows: Catalog rows read.
        total: Number of catalog rows, where the catalog knows it.
        embedded: Images embedded by this build.
        reused: Images whose vectors were there already.
        bad: Rows and images refused.
        seconds: Time since the build began.
    """

    stage: str = "reading"
    rows: int = 0
    total: int | None = None
    embedded: int = 0
    reused: int = 0
    bad: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class BuildReport:
    """Result of a build.

    Attributes:
        generation: The generation that is live now.
        published: False if the catalog gave exactly the index that was live already.
        products: Number of products in the index.
        images: Number of images in the index.
        embedded: Images embedded by this build.
        reused: Images whose vectors were there already: from the live generation, from an
            interrupted build, or because another product has the same image.
        added: Products that the former generation did not have.
        changed: Products whose fields or images differ from the former generation.
        removed: Products of the former generation that are gone.
        titles: Titles embedded by this build, if they are mixed into the vectors.
        quarantined: Rows and images refused; `quarantine.jsonl` lists them.
        reasons: Number of refusals by reason.
        seconds: Duration of the whole build.
        images_per_second: Embedded images by the seconds of reading, decoding and embedding.
        model: Name of the encoder.
        device: Device the encoder ran on.
        precision: Arithmetic that the encoder used.
    """

    generation: int
    published: bool
    products: int
    images: int
    embedded: int
    reused: int
    added: int
    changed: int
    removed: int
    titles: int
    quarantined: int
    reasons: Mapping[str, int]
    seconds: float
    images_per_second: float
    model: str
    device: str
    precision: str
