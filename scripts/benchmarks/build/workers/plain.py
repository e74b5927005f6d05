"""A process that encodes by OpenVINO without Lookalike: its own throughput settings and queue.

`python -m scripts.benchmarks.build.workers.plain MODEL PRECISION` runs the ONNX file that
`workers.encode` runs, which for ViTs has to be converted already, and answers as it does. It is one
of the choices that the automatic one is compared with.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from embeddings import COMPACT_FOLDER
from embeddings.onnx import IMAGE_TOWER, find_conversion

_HINTS = {"fp32": "f32", "bf16": "bf16"}


def _file(name: str) -> Path:
    """Return a model's image tower: uint8 pixels in, vectors out."""
    if name == "compact":
        return COMPACT_FOLDER / IMAGE_TOWER
    folder = find_conversion(name)
    if isinstance(folder, Path):
        return folder / IMAGE_TOWER
    raise RuntimeError(f"the model is not converted: {folder or 'nothing converted it yet'}")


def _rate(queue: Any, given: Any, seconds: float) -> float:
    """Return pictures a second of batches that are computed side by side."""
    done = 0
    started = time.perf_counter()
    while not done or time.perf_counter() < started + seconds:
        for _ in range(len(queue)):
            queue.start_async([given], share_inputs=True)
            done += len(given)
        queue.wait_all()
    return done / (time.perf_counter() - started)


def _main(name: str, precision: str) -> None:
    # The converter, which nothing here needs, reports its import over the network.
    sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
    openvino: Any = import_module("openvino")
    core = openvino.Core()
    model = core.read_model(_file(name))
    height, width = (dimension.get_length() for dimension in list(model.input().partial_shape)[1:3])
    options = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
    }
    queue = openvino.AsyncInferQueue(core.compile_model(model, "CPU", options))
    random = np.random.default_rng(0)
    ready = {"runtime": f"plain OpenVINO, {len(queue)} requests,", "precision": precision}
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        given = random.integers(0, 256, (question["batch"], height, width, 3), np.uint8)
        _rate(queue, given, 0.0)
        print(json.dumps({"rate": _rate(queue, given, question["seconds"])}), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
