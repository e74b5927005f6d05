"""A process that encodes with one model, runtime and precision, and answers how quickly.

`python -m scripts.benchmarks.build.workers.encode MODEL RUNTIME PRECISION` first prints what was
chosen, then answers lines of JSON: `{"batch": 8, "seconds": 1}` with the pictures a second, and
`{"pictures": FILE, "vectors": FILE}` (of `numpy.save`) after writing the vectors.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import Any

import numpy as np

from embeddings import Encoder, load_encoder

# Pictures to encode, and the size of batches where an encoder prefers none, as in a build.
_MOST = 64


def _rate(encoder: Encoder, pixels: np.ndarray[Any, Any], batch: int, seconds: float) -> float:
    """Return pictures a second in batches of one size, by the median time of a batch."""
    given = np.resize(pixels, (batch, *pixels.shape[1:]))
    encoder.encode_images(given)  # compiles for the shape
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        started = time.perf_counter()
        encoder.encode_images(given)
        times.append(time.perf_counter() - started)
    return batch / float(np.median(times))


def _answer(encoder: Encoder, noise: np.ndarray[Any, Any], question: dict[str, Any]) -> Any:
    if "pictures" in question:
        pixels = np.load(question["pictures"])
        parts = range(0, len(pixels), _MOST)
        vectors = [encoder.encode_images(pixels[at : at + _MOST]) for at in parts]
        np.save(question["vectors"], np.concatenate(vectors))
        return {}
    return {"rate": _rate(encoder, noise, question["batch"], question["seconds"])}


def _main(name: str, runtime: str, precision: str) -> None:
    encoder = load_encoder(name, device="cpu", precision=precision, runtime=runtime)
    size = encoder.preprocess.size
    noise = np.random.default_rng(0).integers(0, 256, (_MOST, *size, 3), np.uint8)
    encoder.encode_images(noise[:1])
    spec = encoder.spec
    chosen = {"runtime": spec.runtime, "precision": spec.precision}
    batch = getattr(encoder, "preferred_batch_size", _MOST)
    ready = {**chosen, "batch": batch, "preprocess": asdict(encoder.preprocess)}
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(encoder, noise, json.loads(line))), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
