"""OpenVINO as a runtime: what is compiled of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import openvino
import pytest
from onnx import TensorProto, helper, numpy_helper

from embeddings.onnx.runtimes import open_runtime
from embeddings.onnx.runtimes.openvino_runtime import _widen_after_lookup

TABLE = np.arange(12, dtype=np.float16).reshape(6, 2) / 3


@pytest.fixture
def lookup(tmp_path: Path) -> Path:
    """An ONNX file that widens a table of half precision, and looks rows up in it."""
    nodes = [
        helper.make_node("Cast", ["narrow"], ["table"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["table", "tokens"], ["vectors"]),
    ]
    graph = helper.make_graph(
        nodes,
        "lookup",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(TABLE, "narrow")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.save_model(model, tmp_path / "text.onnx")
    return tmp_path / "text.onnx"


def test_a_table_is_widened_after_the_lookup(lookup: Path) -> None:
    model = openvino.Core().read_model(lookup)
    _widen_after_lookup(model)
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convert":
            assert node.input_value(0).get_node().get_type_name() == "Gather"
    infer = open_runtime("openvino", 1).compile(lookup, "fp32", 1)
    rows = infer(np.array([5, 0, 3], np.int64))
    np.testing.assert_array_equal(rows, TABLE[[5, 0, 3]].astype(np.float32))
