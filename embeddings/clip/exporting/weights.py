"""Weights of ONNX graphs kept where they are: in the safetensors file that a model came from."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from safetensors import safe_open

from embeddings.errors import ModelError

__all__ = ["refer_to_weights"]

# Smaller values stay in the graph.
_SMALL_BYTES = 256
# Values that are not in the weights file, such as masks, go into the graph up to this size; a
# protobuf file holds 2 GB.
_MOST_BYTES = 256 * 2**20

_ONNX_TYPES = {
    "F32": onnx.TensorProto.FLOAT,
    "F16": onnx.TensorProto.FLOAT16,
    "BF16": onnx.TensorProto.BFLOAT16,
    "F8_E4M3": onnx.TensorProto.FLOAT8E4M3FN,
}


class _Stored(NamedTuple):
    """Where a tensor lies in a safetensors file."""

    dtype: str
    offset: int
    length: int


def refer_to_weights(model: onnx.ModelProto, weights: Path, location: str) -> None:
    """Replace a graph's float32 initializers by references to the same values in a file.

    A file of half the precision is widened in the graph. So an exported model needs no second copy
    of its weights, and a small graph file stands beside them.

    Args:
        model: The graph; changed in place.
        weights: The safetensors file that the network was loaded from.
        location: Its name in the model folder.

    Raises:
        ModelError: The graph has large values that the file does not have.
    """
    stored = _digests(weights)
    kept, widened = 0, []
    for initializer in model.graph.initializer:
        values = numpy_helper.to_array(initializer)
        place = stored.get(_digest(values)) if values.nbytes > _SMALL_BYTES else None
        if place is None:
            kept += values.nbytes
            continue
        name, shape = initializer.name, list(initializer.dims)
        initializer.Clear()
        initializer.name = name
        initializer.dims.extend(shape)
        initializer.data_type = _ONNX_TYPES[place.dtype]
        initializer.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (
            ("location", location),
            ("offset", place.offset),
            ("length", place.length),
        ):
            initializer.external_data.add(key=key, value=str(value))
        if place.dtype != "F32":
            initializer.name = f"{name}.{place.dtype}"
            widened.append(
                helper.make_node("Cast", [initializer.name], [name], to=onnx.TensorProto.FLOAT)
            )
    if kept > _MOST_BYTES:
        raise ModelError(f"{kept / 1e6:.0f} MB of the graph's values are not in {weights.name}.")
    for node in reversed(widened):
        model.graph.node.insert(0, node)


def _digests(weights: Path) -> dict[bytes, _Stored]:
    """Return where each tensor lies, by the digest of its shape and float32 values."""
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
    found = {}
    with safe_open(weights, framework="pt") as tensors:
        for name, facts in header.items():
            if name == "__metadata__" or facts["dtype"] not in _ONNX_TYPES:
                continue
            values = tensors.get_tensor(name).to(torch.float32).numpy()
            start, end = facts["data_offsets"]
            place = _Stored(facts["dtype"], 8 + length + start, end - start)
            found[_digest(values)] = place
    return found


def _digest(values: NDArray[Any]) -> bytes:
    content = np.ascontiguousarray(values)
    return hashlib.sha256(f"{values.dtype} {values.shape}".encode() + content.tobytes()).digest()
