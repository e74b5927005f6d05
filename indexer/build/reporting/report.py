"""Counters, progress and report of a build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["BuildProgress", "BuildReport", "Counts"]


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
        bottleneck: The stage that the build waited for most in the last seconds: `reading`,
            `fetching`, `decoding`, `encoding` or `writing`; empty before it is known.
    """

    stage: str = "reading"
    rows: int = 0
    total: int | None = None
    embedded: int = 0
    reused: int = 0
    bad: int = 0
    seconds: float = 0.0
    bottleneck: str = ""


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
        stages: Share of the time, 0 to 1, that each stage limited the build; see `StageClock`.
        notes: How the catalog was read, which values were left out, and which types changed.
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
    stages: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
