"""Loading of model folders: verified first, then run by the chosen runtime."""

from __future__ import annotations

from pathlib import Path

from embeddings.onnx.encoder import OnnxEncoder
from embeddings.onnx.folder import ModelFolder
from embeddings.onnx.machine import processors
from embeddings.onnx.runtimes import open_runtime
from embeddings.onnx.verified import Verified

__all__ = ["load_folder"]


def load_folder(
    path: Path,
    name: str,
    *,
    runtime: str = "openvino",
    precision: str = "auto",
    threads: int | None = None,
) -> OnnxEncoder:
    """Load a model folder.

    Args:
        path: The folder.
        name: The model's name as the user gave it.
        runtime: `openvino` or `onnx`.
        precision: `auto`, `fp32`, `bf16` or `fp16`.
        threads: Number of processors to use; by default all that the process may use.

    Raises:
        ModelError: The folder is missing or damaged, or the runtime can't run it like this.
    """
    threads = threads or processors()
    folder = ModelFolder.read(path)
    opened = open_runtime(runtime, threads)
    folder.verify(Verified())
    return OnnxEncoder(folder, name=name, runtime=opened, precision=precision, threads=threads)
