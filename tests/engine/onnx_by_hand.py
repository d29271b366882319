"""ONNX models of a few nodes, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.specs.network import Network

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT


def zeros(name: str, *shape: int) -> object:
    return onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name)


def ints(name: str, *values: int) -> object:
    return onnx.numpy_helper.from_array(np.array(values, np.int64), name)


def model(
    nodes: list[tuple], tensors: list, shape: list[object] | None = None, opset: int = 20
) -> object:
    """Nodes as ``(op, inputs, output, attributes)``; the input is x, the last output y."""
    made = [helper.make_node(op, i.split(), [o], **a) for op, i, o, a in nodes]
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info("x", FLOAT, ["N", 1, 8, 8] if shape is None else shape)],
        [helper.make_tensor_value_info(nodes[-1][2], FLOAT, None)],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def save(path: Path, made: object) -> Path:
    path.write_bytes(made.SerializeToString())
    return path


def imported(path: Path, *nodes: tuple, tensors: Sequence = (), **rest: object) -> Network:
    return import_network(
        save(path / "net.onnx", model(list(nodes), list(tensors), **rest))
    ).network


CONV = ("Conv", "x w", "c", {"pads": [1, 1, 1, 1]})
W = [("w", 1, 1, 3, 3)]
