"""Decoding alone: open, decode and resize on every core, and a large JPEG against Pillow alone."""

from __future__ import annotations

import os
import pickle
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from scripts.benchmarks.build.pictures import pictures
from scripts.benchmarks.build.setup import Setup
from scripts.support.measuring import Measure
from scripts.support.processes import Worker, python

__all__ = ["COMPACT_PREPROCESS", "Decoders", "decoders", "large_jpeg"]

COMPACT_PREPROCESS = {
    "size": [160, 160],
    "mode": "longest",
    "interpolation": "bicubic",
    "fill": 255,
}
"""How `compact` fits a picture to its input."""

_LIMIT = 60.0
_LARGE = 12


class Decoders:
    """Processes that decode the same pictures, one on each core."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers

    def rate(self, way: str, preprocess: Mapping[str, Any], seconds: float) -> float:
        """Return pictures a second of all together; see `workers.decode` for the ways."""
        for worker in self._workers:
            worker.send(way=way, preprocess=preprocess, seconds=seconds)
        return sum(float(worker.answer()["rate"]) for worker in self._workers)


@contextmanager
def decoders(
    folder: Path, images: Sequence[bytes], number: int | None = None
) -> Iterator[Decoders]:
    """Start so many decoding processes, by default one for each core.

    Args:
        folder: For a file with the images.
        images: Image files, which each process decodes over and over.
        number: How many processes.
    """
    file = folder / "decoded.pickle"
    file.write_bytes(pickle.dumps(list(images)))
    command = python("scripts.benchmarks.build.workers.decode", str(file))
    with ExitStack() as stack:
        yield Decoders(
            [
                stack.enter_context(Worker(command, limit=_LIMIT))
                for _ in range(number or os.cpu_count() or 1)
            ]
        )


def large_jpeg(setup: Setup) -> Iterator[Measure]:
    """Open and resize 8 MP pictures on one core, against Pillow at full size; medians of turns."""
    rates: dict[str, list[float]] = {"bare": [], "pillow": []}
    with decoders(setup.folder, pictures(setup.data, "8mp", _LARGE), 1) as one:
        for _ in range(setup.effort.rounds):
            for way, found in rates.items():
                found.append(one.rate(way, COMPACT_PREPROCESS, 2 * setup.effort.seconds))
    ours, pillow = (statistics.median(found) for found in rates.values())
    yield Measure("open_8mp_to_pillow", ours / pillow, 3.0)
    yield Measure("open_8mp_ms", 1000 / ours, None, "lower")
    yield Measure("open_8mp_pillow_ms", 1000 / pillow, None, "lower")
