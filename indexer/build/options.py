"""Options of a build."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from embeddings import EncoderSpec
from embeddings.images import ImageLimits
from embeddings.vision import Examination
from indexer.build.texts import DEFAULT_TEXT_WEIGHT, OFF
from indexer.catalog import CatalogOptions
from indexer.image_loading.fetching import AddressPolicy, FetchManners
from indexer.index import TagChoice
from indexer.retrieval import NeighbourOptions
from indexer.storage import FEATURE_FILES, Manifest

__all__ = ["DEFAULT_ADAPT", "BuildOptions"]

DEFAULT_ADAPT = OFF
"""What a new index learns if nothing is said (docs/adaptation.md)."""


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
        fetching: How their hosts are asked; nothing of it is stored in the index.
        text_weight: Weight of the titles in the vectors that are searched, 0 to below 1; None for
            the live generation's weight, or `DEFAULT_TEXT_WEIGHT`.
        tags: The taxonomy to tag products with; None for the live generation's, if it has one.
        batch_size: Number of images given to the encoder at once; None for the number that the
            encoder prefers.
        workers: Number of decoding processes; None for one for each processor. 0 decodes in the
            calling thread, which starts sooner, but an image that hangs or kills its decoder then
            stops the build.
        max_bad: Share of catalog rows, 0 to 1, that may be unusable before the build is refused.
        decode_timeout: Seconds that decoding one image may take.
        adapt: What to learn from the catalog: `auto`, `off`, or names of fields with commas between
            them; None for the live generation's choice, or `DEFAULT_ADAPT`.
        keep_features: Whether the index keeps what a map is learned from, so that it can learn
            again; None for as before, or no.
        examination: What to look for in images, such as faces to blur; choices that it leaves open
            are those of the live generation.
    """

    catalog: CatalogOptions = field(default_factory=CatalogOptions)
    limits: ImageLimits = field(default_factory=ImageLimits)
    neighbours: NeighbourOptions = field(default_factory=NeighbourOptions)
    thumbnails: bool = True
    keep_missing: bool = False
    addresses: AddressPolicy = AddressPolicy.PUBLIC
    fetching: FetchManners = field(default_factory=FetchManners)
    text_weight: float | None = None
    tags: TagChoice | None = None
    batch_size: int | None = None
    workers: int | None = None
    max_bad: float = 0.8
    decode_timeout: float = 30.0
    adapt: str | None = None
    keep_features: bool | None = None
    examination: Examination = field(default_factory=Examination)

    def images_kind(self, spec: EncoderSpec) -> str:
        """Return what an embedded image depends on besides its content.

        Images embedded without thumbnails are of no use to a build that wants thumbnails, and those
        without features are of none to one that learns.
        """
        kind = f"{spec.fingerprint} thumbnails={self.thumbnails}"
        if (self.adapt != OFF or self.keep_features) and spec.features:
            kind += " features"
        return f"{kind} {self.examination.key}".rstrip()

    def completed(self, former: Manifest | None) -> BuildOptions:
        """Fill in the weight of titles, what to learn and the examination where they are open.

        Args:
            former: The live generation's manifest, if there is one.
        """
        weight = DEFAULT_TEXT_WEIGHT if former is None else former.text_weight
        learned = former.adaptation if former is not None else None
        adapt = learned.choice if learned is not None else (OFF if former else DEFAULT_ADAPT)
        segments = former.segments if former is not None else ()
        kept = bool(segments) and all(set(FEATURE_FILES) <= set(each.files) for each in segments)
        examined = Examination.from_key("" if former is None else former.examination)
        return replace(
            self,
            text_weight=weight if self.text_weight is None else self.text_weight,
            adapt=adapt if self.adapt is None else self.adapt,
            keep_features=kept if self.keep_features is None else self.keep_features,
            examination=self.examination.completed(examined),
        )
