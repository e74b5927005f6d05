"""A build that stops at a point and waits to be killed: `python -m ... CATALOG INDEX POINT`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from embeddings import FakeEncoder, FloatArray, PixelArray
from indexer.build import BuildOptions, build_index
from indexer.build import build as build_module

# The package exports a function of the same name.
generations = importlib.import_module("indexer.storage.generations")

# What is about to happen at each point; `published` is after the new generation went live.
POINTS = ("embedding", "adopting", "publishing", "going live", "published")


def stop() -> None:
    """Tell the parent, and wait for its SIGKILL."""
    sys.stdout.write("stopped\n")
    sys.stdout.flush()
    sys.stdin.read()


def stop_before(*_: Any, **__: Any) -> None:
    stop()


def stop_after(function: Callable[..., None]) -> Callable[..., None]:
    def call(*args: Any) -> None:
        function(*args)
        stop()

    return call


class StoppingEncoder(FakeEncoder):
    """Stops at the third batch."""

    batches = 0

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        self.batches += 1
        if self.batches == 3:
            stop()
        return super().encode_images(pixels)


def main(catalog: Path, index: Path, point: str) -> None:
    patches = {
        "adopting": lambda: patch.object(build_module, "adopt_segment", stop_before),
        "publishing": lambda: patch.object(build_module, "publish", stop_before),
        "going live": lambda: patch.object(generations, "make_live", stop_before),
        "published": lambda: patch.object(
            generations, "make_live", stop_after(generations.make_live)
        ),
    }
    if point == "embedding":
        options = BuildOptions(workers=1, batch_size=4)
        build_index(catalog, index, StoppingEncoder(), options)
    else:
        with patches[point]():
            build_index(catalog, index, FakeEncoder(), BuildOptions(workers=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
