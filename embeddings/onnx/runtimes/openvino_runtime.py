"""OpenVINO as a runtime: the only file that imports it."""

from __future__ import annotations

import sys
import threading
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import FloatArray
from embeddings.errors import BrokenModelError, ModelUnavailableError
from embeddings.onnx.runtimes.tower import Infer, InferAll

__all__ = ["OpenVinoRuntime"]

# Images, channels, rows, columns.
_GRID_RANK = 4
_CONVERTER = "openvino.tools.ovc"
_IMPORTING = threading.Lock()


@cache
def _import_openvino() -> ModuleType:
    """Import OpenVINO without its converter, whose import reports a usage event over the network.

    Nothing here converts, and the import takes a third less time.
    """
    known = _CONVERTER in sys.modules
    if not known:
        sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # makes its import fail
    try:
        import openvino
    finally:
        if not known:
            del sys.modules[_CONVERTER]
    _infer_once(openvino)
    return cast("ModuleType", openvino)


def _infer_once(openvino: ModuleType) -> None:
    """Run a model of nothing, on this thread alone.

    OpenVINO's bindings look up numpy at their first inference. If two threads make the first one
    together, each waits for what the other holds, forever (2026.4.1).
    """
    from openvino import opset13 as operations

    value = operations.parameter([1], np.float32)
    model = openvino.Model([operations.result(value)], [value])
    request = openvino.compile_model(model, "CPU").create_infer_request()
    request.infer([np.zeros(1, np.float32)], share_inputs=True)
    np.array(request.get_output_tensor(0).data)


class OpenVinoRuntime:
    """Runs ONNX files by OpenVINO, on CPUs.

    Args:
        threads: Number of processors to use.
    """

    name = "openvino"

    def __init__(self, threads: int) -> None:
        with _IMPORTING:
            openvino = _import_openvino()
        self.version: str = openvino.__version__
        self._threads = threads
        self._core: Any = openvino.Core()
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precisions: tuple[str, ...] = ("fp32", "bf16") if "BF16" in capabilities else ("fp32",)

    def compile(self, path: Path, precision: str, streams: int) -> Infer:
        """Compile a tower.

        Args:
            path: Its ONNX file.
            precision: One of `precisions`.
            streams: Number of chunks computed side by side, each on its share of the processors.

        Raises:
            BrokenModelError: OpenVINO can't read or compile the file.
        """
        requests = self._requests(path, precision, streams)
        return lambda chunk: requests(chunk, 1)[0]

    def compile_all(self, path: Path, precision: str, streams: int) -> InferAll:
        """Compile a model of several outputs, ONNX or TFLite; arguments as for `compile`."""
        return self._requests(path, precision, streams)

    def compile_inner(self, path: Path, cells: int) -> InferAll:
        """Compile a tower that gives what it computes on a grid in its middle, in float32.

        Args:
            path: Its ONNX file.
            cells: Cells along each side of the grid; of several such layers, the last convolution.

        Returns:
            The result has one output, `[n, channels, cells, cells]`.

        Raises:
            BrokenModelError: As for `compile`, or there is no such layer.
        """
        try:
            model = self._core.read_model(path)
            layers = [
                node.output(0)
                for node in model.get_ordered_ops()
                if node.get_type_name() == "Add" and _is_grid(node.output(0), cells)
            ]
            if not layers:
                raise BrokenModelError(f"{path.name!r} has no layer of {cells} x {cells} cells.")
            from openvino import Model
            from openvino import opset13 as operations

            inner = Model([operations.result(layers[-1])], model.get_parameters())
            options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": self._threads}
            return _Requests(self._core.compile_model(inner, "CPU", options), 1)
        except RuntimeError as error:
            raise BrokenModelError(
                f"OpenVINO can't run {str(path)!r}: {_last_line(error)}"
            ) from error

    def _requests(self, path: Path, precision: str, streams: int) -> _Requests:
        options = {
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": self._threads,
            # A server's threads are not to be held to processors that other processes use too.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            model = self._core.read_model(path)
            _widen_after_lookup(model)
            compiled = self._core.compile_model(model, "CPU", options)
            return _Requests(compiled, streams)
        except RuntimeError as error:
            raise BrokenModelError(
                f"OpenVINO can't run {str(path)!r}: {_last_line(error)} Export the model again, "
                "or use --runtime torch."
            ) from error


def _widen_after_lookup(model: Any) -> None:
    """Widen the rows that are looked up in a table of embeddings to float32, not the whole table.

    The values are the same. `compact`'s text tower takes 48 MB and 30 ms less to compile. The file
    has to widen the table first, since ONNX has no lookup in a table of 8-bit numbers.
    """
    from openvino import opset13 as operations

    for node in model.get_ordered_ops():
        if node.get_type_name() != "Gather" or node.get_attributes().get("batch_dims"):
            continue
        table, indices, axis = (node.input_value(number) for number in range(3))
        widening = table.get_node()
        if widening.get_type_name() != "Convert":
            continue
        narrow = widening.input_value(0)
        if narrow.get_node().get_type_name() == "Constant":
            rows = operations.gather(narrow, indices, axis)
            wide = operations.convert(rows, table.get_element_type().get_type_name())
            node.output(0).replace(wide.output(0))


def _is_grid(output: Any, cells: int) -> bool:
    shape = output.partial_shape
    if not shape.rank.is_static or shape.rank.get_length() != _GRID_RANK:
        return False
    sides = [side.get_length() if side.is_static else 0 for side in list(shape)[2:]]
    return sides == [cells, cells]


class _Requests:
    """The inference requests of a compiled model, one for each chunk at a time."""

    def __init__(self, compiled: Any, count: int) -> None:
        self._free: SimpleQueue[Any] = SimpleQueue()
        self._outputs = len(compiled.outputs)
        for _ in range(count):
            self._free.put(compiled.create_infer_request())

    def __call__(self, chunk: NDArray[Any], outputs: int | None = None) -> tuple[FloatArray, ...]:
        request = self._free.get()
        try:
            request.infer([np.ascontiguousarray(chunk)], share_inputs=True)
            wanted = self._outputs if outputs is None else outputs
            return tuple(
                np.array(request.get_output_tensor(number).data, np.float32)
                for number in range(wanted)
            )
        except RuntimeError as error:
            raise ModelUnavailableError(
                f"OpenVINO failed at a batch of {len(chunk)}: {_last_line(error)}"
            ) from error
        finally:
            self._free.put(request)


def _last_line(error: Exception) -> str:
    """Return the last line of a message: the reason; the lines before name OpenVINO's own files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
