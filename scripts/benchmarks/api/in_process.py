"""The same work as the API's without HTTP, in a process of its own: the baseline of the API.

`python -m scripts.benchmarks.api.in_process INDEX QUERIES SECONDS NAME...` prints one JSON object.
"""

from __future__ import annotations

import json
import pickle
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from embeddings import load_encoder
from embeddings.images import open_image
from indexer.search import Engine, ImagePart, Query, TextPart

_BATCH = 32
# How many texts the batches of texts are made of.
_TEXTS = 640


def _median_ms(work: Callable[[Any], object], inputs: Sequence[Any], seconds: float) -> float:
    """Return the median time of one call in milliseconds, the first tenth left out."""
    work(inputs[0])  # compiles a part of the model
    times = []
    end = time.perf_counter() + seconds
    for given in cycle(inputs):
        start = time.perf_counter()
        work(given)
        times.append(time.perf_counter() - start)
        if start > end:
            break
    return 1000 * statistics.median(times[len(times) // 10 :])


def _run(index: Path, queries: Path, seconds: float, names: Sequence[str]) -> dict[str, float]:
    """Return median milliseconds of each named kind of work, one query or one batch at a time."""
    texts, images = pickle.loads(queries.read_bytes())
    engine = Engine.open(index, load_encoder("compact"))
    encoder = engine.encoder
    pixels = [encoder.preprocess(open_image(image)) for image in images]
    starts = range(0, len(pixels) - _BATCH + 1, _BATCH)
    stacks = [np.stack(pixels[start : start + _BATCH]) for start in starts]
    lists = [texts[start : start + _BATCH] for start in range(0, _TEXTS, _BATCH)]

    def search_text(text: str) -> object:
        return engine.search(Query(parts=(TextPart(text),)))

    def search_image(data: bytes) -> object:
        return engine.search(Query(parts=(ImagePart(open_image(data)),)))

    works: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "text": (search_text, texts),
        "upload": (search_image, images),
        "encode_image": (encoder.encode_images, [each[None] for each in pixels]),
        "encode_text": (encoder.encode_texts, [[text] for text in texts]),
        "encode_images": (encoder.encode_images, stacks),
        "encode_texts": (encoder.encode_texts, lists),
    }
    return {name: _median_ms(*works[name], seconds) for name in names}


if __name__ == "__main__":
    found = _run(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
    print(json.dumps({"batch": _BATCH, **found}))
