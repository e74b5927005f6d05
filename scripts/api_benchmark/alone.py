"""The same work without HTTP, in a process of its own: what the API is compared with."""

from __future__ import annotations

import json
import pickle
import statistics
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from embeddings.clip import load_encoder
from embeddings.images import open_image
from indexer.engine import Engine
from indexer.query import ImagePart, Query, TextPart

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


def _run(index: Path, queries: Path, seconds: float) -> dict[str, float]:
    """Medians in milliseconds, and pictures a second in batches."""
    texts, pictures = pickle.loads(queries.read_bytes())
    opened = Engine.open(index, load_encoder("compact"))
    encoder = opened.encoder
    pixels = [encoder.preprocess(open_image(picture)) for picture in pictures]
    batches = [
        np.stack(pixels[start : start + _BATCH])
        for start in range(0, len(pixels) - _BATCH + 1, _BATCH)
    ]
    texts_in_batches = [texts[start : start + _BATCH] for start in range(0, 640, _BATCH)]
    batch = _median_ms(encoder.encode_images, batches, seconds)
    text_batch = _median_ms(encoder.encode_texts, texts_in_batches, seconds)
    return {
        "text": _median_ms(
            lambda text: opened.search(Query(parts=(TextPart(text),))), texts, seconds
        ),
        "picture": _median_ms(
            lambda data: opened.search(Query(parts=(ImagePart(open_image(data)),))),
            pictures,
            seconds,
        ),
        "encode_picture": _median_ms(encoder.encode_images, [p[None] for p in pixels], seconds),
        "encode_text": _median_ms(encoder.encode_texts, [[text] for text in texts], seconds),
        "pictures_per_second": 1000 * _BATCH / batch,
        "texts_per_second": 1000 * _BATCH / text_batch,
    }


if __name__ == "__main__":
    print(json.dumps(_run(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))))
