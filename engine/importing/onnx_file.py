"""Reads the nodes and small constants of an ONNX file. Needs the package ``onnx``."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.files import read_bytes
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.wording import plain, show

MOST_BYTES = 2**31 - 1
"""The limit of protobuf; larger models keep their weights in other files."""
MOST_NODES = 8 * MAX_LAYERS
_MOST_NUMBERS = 64
"""Entries of a constant up to which it is read; weights are not."""
_LEAST_OPSET = 7
"""Some operators differ in earlier versions."""
_STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class Node:
    """One operator; names outside the standard begin with their domain."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    where: str
    """For messages: ``net.onnx, node 3 (Conv "conv1")``."""


class OnnxFile:
    """An ONNX model.

    Raises:
        SpecError: if the file cannot be read, or is not a model with one input and one output.
    """

    def __init__(self, path: Path, where: str) -> None:
        self.where = where
        self._onnx = _package()
        graph = self._graph(read_bytes(path, MOST_BYTES))
        if len(graph.node) > MOST_NODES:
            raise SpecError(f"{where} has more than {MOST_NODES:,} nodes.")
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes = [node for node in map(self._node, range(len(graph.node)), graph.node) if node]
        self.name = graph.name
        inputs = [value for value in graph.input if value.name not in self._tensors]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise SpecError(
                f"{where} has {len(inputs)} inputs and {len(graph.output)} outputs.",
                "A network must have one input and one output.",
            )
        self.input, self.output = inputs[0].name, graph.output[0].name
        self._input_type = inputs[0].type

    def sizes(self) -> tuple[int | None, ...]:
        """Return the sizes of the input; None for each that the file leaves open."""
        dims = self._input_type.tensor_type.shape.dim
        return tuple(dim.dim_value if dim.dim_value > 0 else None for dim in dims[:8])

    def is_constant(self, value: str) -> bool:
        """Whether a value is a constant of the file."""
        return value in self._tensors

    def shape(self, value: str) -> tuple[int, ...]:
        """Return the shape of a constant."""
        return tuple(self._tensors[value].dims)

    def numbers(self, value: str, most: int = _MOST_NUMBERS) -> tuple[float, ...] | None:
        """Return the entries of a small constant; None if it is large or in another file."""
        tensor = self._tensors[value]
        if tensor.data_location != self._onnx.TensorProto.DEFAULT or tensor.external_data:
            return None
        if not 0 <= math.prod(tensor.dims) <= most:
            return None
        try:
            array = self._onnx.numpy_helper.to_array(tensor)
            return tuple(np.asarray(array, float).ravel().tolist())
        except Exception:  # damaged tensors raise errors of many types
            return None

    def _graph(self, data: bytes) -> Any:
        model = self._onnx.ModelProto()
        try:
            model.ParseFromString(data)
        except Exception:  # the type of the error depends on the implementation of protobuf
            raise SpecError(
                f"{self.where} is not an ONNX model.", "The file may be damaged."
            ) from None
        versions = [opset.version for opset in model.opset_import if opset.domain in _STANDARD]
        if not model.graph.node or not versions:
            raise SpecError(f"{self.where} is not an ONNX model with a graph.")
        if max(versions) < _LEAST_OPSET:
            raise SpecError(
                f"{self.where} has opset {max(versions)}, expected {_LEAST_OPSET} or later.",
                "Export it with a newer opset.",
            )
        self.made_by = model.producer_name
        self.notes = {entry.key: entry.value for entry in model.metadata_props[:100]}
        return model.graph

    def _node(self, number: int, node: Any) -> Node | None:
        values = {entry.name: self._attribute(entry) for entry in node.attribute}
        if node.op_type == "Constant" and isinstance(values.get("value"), self._onnx.TensorProto):
            self._tensors.update(dict.fromkeys(node.output, values["value"]))
            return None
        if node.op_type == "Identity" and set(node.input) <= self._tensors.keys():
            # Exporters share a constant between nodes in this way.
            shared = self._tensors[node.input[0]] if node.input else None
            self._tensors.update(dict.fromkeys(node.output, shared) if shared else {})
            return None
        op, domain, name = map(_text, (node.op_type, node.domain, node.name))
        op = op if domain in _STANDARD else f"{domain}.{op}"
        name = f" {show(name)}" if name else ""
        where = f"{self.where}, node {number + 1} ({plain(op)[:60]}{name})"
        return Node(op, tuple(node.input), tuple(node.output), values, where)

    def _attribute(self, attribute: Any) -> object:
        try:
            value = self._onnx.helper.get_attribute_value(attribute)
        except Exception:  # an attribute of an unknown type
            return None
        return tuple(value) if isinstance(value, list) else value


def _text(value: str | bytes) -> str:
    """A text field; protobuf gives bytes if it is damaged."""
    return value if isinstance(value, str) else value.decode(errors="replace")


def _package() -> Any:
    try:
        onnx = importlib.import_module("onnx")
    except ImportError:
        raise SpecError(
            "Importing ONNX needs the package onnx, which is not installed.",
            "Install it with: pip install 'cnn-tui[onnx]'.",
        ) from None
    return onnx
