"""The same work without HTTP, in a process of its own: what the API is compared with."""

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

from embeddings.clip import load_encoder
from embeddings.images import open_image
from indexer.search import Engine, ImagePart, Query, TextPart

_BATCH = 32


def _median_ms(work: Callable[[Any], object], inputs: list[Any], seconds: float) -> float:
    times = []
    end = time.perf_counter() + seconds
    for given in cycle(inputs):
        start = time.perf_counter()
        work(given)
        times.append(time.perf_counter() - start)
        if start > end:
            return 1000 * statistics.median(times[len(times) // 10 :])
    raise AssertionError


def _run(index: Path, queries: Path, seconds: float, names: Sequence[str]) -> dict[str, float]:
    """Medians in milliseconds, and pictures and texts a second in batches, of what is named."""
    texts, pictures = pickle.loads(queries.read_bytes())
    opened = Engine.open(index, load_encoder("compact"))
    encoder = opened.encoder
    pixels = [encoder.preprocess(open_image(picture)) for picture in pictures]
    starts = range(0, len(pixels) - _BATCH + 1, _BATCH)
    stacks = [np.stack(pixels[start : start + _BATCH]) for start in starts]
    lists = [texts[start : start + _BATCH] for start in range(0, 640, _BATCH)]

    def search_text(text: str) -> object:
        return opened.search(Query(parts=(TextPart(text),)))

    def search_picture(data: bytes) -> object:
        return opened.search(Query(parts=(ImagePart(open_image(data)),)))

    works: dict[str, tuple[Callable[[Any], object], list[Any]]] = {
        "text": (search_text, texts),
        "picture": (search_picture, pictures),
        "encode_picture": (encoder.encode_images, [each[None] for each in pixels]),
        "encode_text": (encoder.encode_texts, [[text] for text in texts]),
        "encode_pictures": (encoder.encode_images, stacks),
        "encode_texts": (encoder.encode_texts, lists),
    }
    return {name: _median_ms(*works[name], seconds) for name in names}


if __name__ == "__main__":
    found = _run(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
    print(json.dumps({"batch": _BATCH, **found}))
