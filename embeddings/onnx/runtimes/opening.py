"""The runtimes of ONNX files, by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Protocol

from embeddings.errors import ModelError
from embeddings.onnx.runtimes.tower import Infer, InferAll

__all__ = ["RUNTIMES", "Runtime", "installed_runtimes", "open_inner", "open_runtime"]

_PACKAGES = {"openvino": "openvino", "onnx": "onnxruntime"}

RUNTIMES = tuple(_PACKAGES)
"""Names of the runtimes of ONNX files, the preferred one first."""


class Runtime(Protocol):
    """A library that runs ONNX files.

    Attributes:
        name: `openvino` or `onnx`.
        version: The library's version.
        precisions: What it computes in on this machine, `fp32` first.
    """

    name: str
    version: str
    precisions: tuple[str, ...]

    def compile(self, path: Path, precision: str, streams: int) -> Infer:
        """Compile the tower of an ONNX file.

        Args:
            path: The file.
            precision: One of `precisions`.
            streams: Number of chunks computed side by side, each on its share of the processors.

        Raises:
            BrokenModelError: The file can't be read or compiled.
        """
        ...

    def compile_all(self, path: Path, precision: str, streams: int) -> InferAll:
        """Compile a model of several outputs; arguments and errors as for `compile`."""
        ...


def installed_runtimes() -> tuple[str, ...]:
    """Return the names of the runtimes that are installed, the preferred one first."""
    return tuple(name for name, package in _PACKAGES.items() if importlib.util.find_spec(package))


def open_inner(path: Path, cells: int) -> InferAll:
    """Compile an ONNX tower by OpenVINO, to give what it computes on a grid in its middle.

    Args:
        path: The file.
        cells: Cells along each side of the grid.

    Raises:
        ModelError: OpenVINO is not installed.
        BrokenModelError: The file can't be used.
    """
    from embeddings.onnx.runtimes.openvino_runtime import OpenVinoRuntime

    return OpenVinoRuntime(threads=1).compile_inner(path, cells)


def open_runtime(name: str, threads: int) -> Runtime:
    """Open a runtime.

    Args:
        name: `openvino` or `onnx`.
        threads: Number of processors to use.

    Raises:
        ModelError: It is not installed.
    """
    package = _PACKAGES[name]
    if importlib.util.find_spec(package) is None:
        raise ModelError(f"The runtime {name} is not installed. Install it: pip install {package}")
    if name == "openvino":
        from embeddings.onnx.runtimes.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(threads)
    from embeddings.onnx.runtimes.onnx_runtime import OnnxRuntime

    return OnnxRuntime(threads)
