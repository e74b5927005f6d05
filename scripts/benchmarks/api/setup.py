"""Setup of the API benchmark: index, queries, and how long each load runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks.api.queries import Queries

__all__ = ["Setup", "Times"]


@dataclass(frozen=True)
class Times:
    """How long each load runs, in seconds."""

    short: float
    overload: float


@dataclass(frozen=True)
class Setup:
    """What the parts of the benchmark measure with.

    Attributes:
        index: The index that is served.
        queries: Images and texts to search with.
        folder: For files of the measurement.
        times: How long each load runs.
        publishes: How many generations are published.
    """

    index: Path
    queries: Queries
    folder: Path
    times: Times
    publishes: int
