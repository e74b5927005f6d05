"""A process that opens, decodes and resizes pictures on one core, and answers how quickly.

`python -m scripts.benchmarks.build.workers.decode FILE` takes a pickled list of image files. It
answers lines of JSON, `{"way": "bare", "preprocess": {...}, "seconds": 1}`, with the pictures a
second. `bare` opens, decodes and resizes as a build does; `whole` makes the thumbnail and measures
the colours too; `pillow` decodes the whole picture with Pillow before it is resized.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

from PIL import Image

from embeddings import Preprocess, ResizeMode
from embeddings.images import open_reduced
from indexer.image_loading import THUMBNAIL_SIDE, DecodeTask


def _work(question: dict[str, Any]) -> Callable[[bytes], object]:
    fields = question["preprocess"]
    preprocess = Preprocess(
        **{**fields, "size": tuple(fields["size"]), "mode": ResizeMode(fields["mode"])}
    )
    side = max(preprocess.least_side, THUMBNAIL_SIDE)

    def pillow(data: bytes) -> object:
        return preprocess(Image.open(io.BytesIO(data)).convert("RGB"))

    def bare(data: bytes) -> object:
        opened = open_reduced(data, target=side)
        return preprocess(opened.image, opened.reduction)

    ways: dict[str, Callable[[bytes], object]] = {
        "pillow": pillow,
        "bare": bare,
        "whole": DecodeTask(preprocess),
    }
    return ways[question["way"]]


def _main(file: str) -> None:
    images = cycle(pickle.loads(Path(file).read_bytes()))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        work = _work(question)
        work(next(images))
        done = 0
        started = time.perf_counter()
        while time.perf_counter() < started + question["seconds"]:
            work(next(images))
            done += 1
        rate = done / (time.perf_counter() - started)
        print(json.dumps({"rate": rate}), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
