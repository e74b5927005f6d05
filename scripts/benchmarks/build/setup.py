"""Setup of the build benchmark: where its inputs lie, and how long each part measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["FULL", "QUICK", "Effort", "Setup"]


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: Turns in which what is compared takes its share.
        seconds: Of one measurement in a turn.
        batches: Pictures given to an encoder at once.
        pictures: Pictures of a build, by size and model.
        peer_pictures: Pictures that the peers index.
        searches: Text searches as whole processes.
        vectors: Pictures whose vectors are compared.
    """

    rounds: int
    seconds: float
    batches: tuple[int, ...]
    pictures: dict[tuple[str, str], int]
    peer_pictures: int
    searches: int
    vectors: int


FULL = Effort(
    rounds=5,
    seconds=1.0,
    batches=(1, 8, 16, 64),
    pictures={
        ("60x80", "compact"): 6000,
        ("60x80", "vit_b_32"): 1500,
        ("1mp", "compact"): 800,
        ("1mp", "vit_b_32"): 600,
        ("8mp", "compact"): 200,
        ("8mp", "vit_b_32"): 200,
    },
    peer_pictures=600,
    searches=7,
    vectors=2500,
)
QUICK = Effort(
    rounds=1,
    seconds=0.3,
    batches=(8, 16),
    pictures={
        ("60x80", "compact"): 400,
        ("60x80", "vit_b_32"): 128,
        ("1mp", "compact"): 64,
        ("1mp", "vit_b_32"): 64,
        ("8mp", "compact"): 24,
        ("8mp", "vit_b_32"): 24,
    },
    peer_pictures=64,
    searches=2,
    vectors=300,
)


@dataclass(frozen=True)
class Setup:
    """What the parts of the benchmark measure with.

    Attributes:
        data: The folder of the shared catalogs.
        cache: For what is kept between runs: models, converted files.
        folder: For files of this run.
        peers: The folder of the peers' environments.
        effort: How much is measured.
    """

    data: Path
    cache: Path
    folder: Path
    peers: Path
    effort: Effort
