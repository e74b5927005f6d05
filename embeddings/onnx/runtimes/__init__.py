"""The libraries that run ONNX files, and a tower as they run it."""

from __future__ import annotations

from embeddings.onnx.runtimes.opening import (
    RUNTIMES,
    Runtime,
    installed_runtimes,
    open_inner,
    open_runtime,
)
from embeddings.onnx.runtimes.tower import Infer, InferAll, Tower

__all__ = [
    "RUNTIMES",
    "Infer",
    "InferAll",
    "Runtime",
    "Tower",
    "installed_runtimes",
    "open_inner",
    "open_runtime",
]
