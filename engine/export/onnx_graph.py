"""Writes a network as an ONNX model from pixels to scores. Needs the package ``onnx``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from cnn_tui.engine.errors import RunError, reason_of
from cnn_tui.engine.export.modules import modules, renamed, unrolled
from cnn_tui.engine.export.onnx_nodes import INPUT, OUTPUT, OnnxGraph
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.specs.codec import dumps_network
from cnn_tui.engine.storage import Storage, replace_file

OPSET, IR_VERSION = 22, 10
"""Versions of ONNX 1.17 (2024), which current runtimes can read."""


def write_onnx(state: TrainedState, path: Path) -> None:
    """Write the model.

    The input is ``pixels (N, C, H, W)``, float, as in the data; the output ``scores (N, classes)``.

    Raises:
        RunError: if ``onnx`` is not installed, or the file cannot be written.
    """
    content = onnx_bytes(state)
    try:
        replace_file(Storage(), path, [content])
    except OSError as error:
        raise RunError(f"{path} cannot be written: {reason_of(error)}.") from None


def onnx_bytes(state: TrainedState) -> bytes:
    """Return the content of the model's file, checked by ``onnx``.

    Raises:
        RunError: if ``onnx`` is not installed.
    """
    onnx = _onnx()
    graph = _graph(onnx, state)
    model = _model(onnx, graph, state)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def graph_of(state: TrainedState) -> tuple[list[Any], dict[str, np.ndarray]]:
    """Return the nodes and the constants of the model.

    Raises:
        RunError: if ``onnx`` is not installed.
        KeyError: if a weight is missing.
    """
    graph = _graph(_onnx(), state)
    return graph.nodes, graph.constants


def _graph(onnx: Any, state: TrainedState) -> OnnxGraph:
    tree = unrolled(modules(state.network))
    graph = OnnxGraph(onnx.helper, renamed(tree, state.weights))
    images = graph.normalized(state.normalizer.mean, state.normalizer.std)
    # A network may end in a volume C x 1 x 1.
    graph.node("Flatten", [graph.chain(tree, images)], f"{OUTPUT}/flatten", OUTPUT)
    return graph


def _onnx() -> Any:
    try:
        return importlib.import_module("onnx")
    except ImportError:
        raise RunError(
            "Exporting to ONNX needs the package onnx, which is not installed.",
            "Install it with: pip install 'cnn-tui[onnx]'.",
        ) from None


def _model(onnx: Any, graph: OnnxGraph, state: TrainedState) -> Any:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    tensors = [onnx.numpy_helper.from_array(a, name) for name, a in graph.constants.items()]
    made = helper.make_graph(
        graph.nodes,
        state.network.name or "network",
        [helper.make_tensor_value_info(INPUT, kind, ["N", *state.network.input])],
        [helper.make_tensor_value_info(OUTPUT, kind, ["N", len(state.classes)])],
        tensors,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(
        made, opset_imports=[opset], ir_version=IR_VERSION, producer_name="cnn-tui"
    )
    notes = {
        "run": state.run,
        "classes": "\n".join(state.classes),
        "peak": f"{state.peak:g}",
        # Keeps what the graph cannot hold: names, dropout, loss and recipe.
        "architecture": dumps_network(state.network),
    }
    helper.set_model_props(model, notes)
    return model
