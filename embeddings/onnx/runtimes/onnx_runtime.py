"""ONNX Runtime as a runtime, where OpenVINO has no package: the only file that imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from embeddings.encoder import FloatArray
from embeddings.errors import BrokenModelError
from embeddings.onnx.runtimes.tower import Infer, InferAll

__all__ = ["OnnxRuntime"]

_ERRORS_ONLY = 3


class OnnxRuntime:
    """Runs ONNX files by ONNX Runtime, on CPUs, in float32.

    Args:
        threads: Number of processors to use.
    """

    name = "onnx"
    precisions: tuple[str, ...] = ("fp32",)

    def __init__(self, threads: int) -> None:
        self.version: str = onnxruntime.__version__
        self._threads = threads
        if hasattr(onnxruntime, "disable_telemetry_events"):
            onnxruntime.disable_telemetry_events()

    def compile(self, path: Path, precision: str, streams: int) -> Infer:
        """Compile a tower; arguments and errors as for `OpenVinoRuntime.compile`."""
        infer_all = self.compile_all(path, precision, streams)

        def infer(chunk: NDArray[Any]) -> FloatArray:
            return infer_all(chunk)[0]

        return infer

    def compile_all(self, path: Path, precision: str, streams: int) -> InferAll:
        """Compile a model of several outputs; arguments and errors as for `compile`."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, self._threads // streams)
        options.log_severity_level = _ERRORS_ONLY
        try:
            session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors have no common type of their own
            raise BrokenModelError(
                f"ONNX Runtime can't run {str(path)!r} in {precision}: {error} Export the model "
                "again, or use --runtime torch."
            ) from error
        name = session.get_inputs()[0].name

        def infer(chunk: NDArray[Any]) -> tuple[FloatArray, ...]:
            return tuple(np.asarray(out, np.float32) for out in session.run(None, {name: chunk}))

        return infer
