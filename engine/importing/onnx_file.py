"""Reads the nodes and constants of an ONNX file. Needs the package ``onnx``."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_tensors import Tensors
from cnn_tui.engine.specs.files import read_bytes
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.wording import plain, show

MOST_BYTES = 2**31 - 1
"""The limit of protobuf; larger models keep their weights in other files."""
MOST_NODES = 8 * MAX_LAYERS
_MOST_NUMBERS = 64
"""Entries of a constant that is read as settings."""
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
    """The node's place in messages: ``net.onnx, node 3 (Conv "conv1")``."""

    @property
    def short(self) -> str:
        """Its place without the name of the file: ``node 3 (Conv "conv1")``."""
        return self.where.partition(", ")[2]


class OnnxFile:
    """An ONNX model.

    Raises:
        SpecError: if the file cannot be read, or is not a model with one input and one output.
    """

    def __init__(self, path: Path, where: str) -> None:
        self.where, self.path = where, path
        self._onnx = _package()
        self.model = self._model(read_bytes(path, MOST_BYTES))
        graph = self.model.graph
        if len(graph.node) > MOST_NODES:
            raise SpecError(f"{where} has more than {MOST_NODES:,} nodes.")
        self.tensors = Tensors(self._onnx, path, where)
        for tensor in graph.initializer:
            self.tensors.add(tensor.name, tensor)
        self.nodes = [node for node in map(self._node, range(len(graph.node)), graph.node) if node]
        self.count = len(graph.node)
        inputs = [value for value in graph.input if value.name not in self.tensors]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise SpecError(
                f"{where} has {len(inputs)} inputs and {len(graph.output)} outputs.",
                "A network must have one input and one output.",
            )
        self.input, self.output = inputs[0].name, graph.output[0].name
        dims = inputs[0].type.tensor_type.shape.dim
        self.sizes = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in dims[:8])
        """The sizes of the input; None for each that the file leaves open."""

    def has(self, node: Node, place: int) -> bool:
        """Whether a node has an input in this place."""
        return len(node.inputs) > place and bool(node.inputs[place])

    def is_constant(self, value: str) -> bool:
        """Whether a value is a constant of the file."""
        return value in self.tensors

    def numbers(self, value: str) -> tuple[float, ...] | None:
        """Return the entries of a small constant; None for others."""
        if value not in self.tensors or math.prod(self.tensors.shape(value)) > _MOST_NUMBERS:
            return None
        array = self.tensors.array(value)
        return tuple(array.ravel().tolist()) if array.dtype.kind in "biuf" else None

    def setting(self, node: Node, name: str, place: int) -> tuple[float, ...] | None:
        """Return a setting that is an attribute in some opsets and an input in others.

        None if it is missing, or no constant.
        """
        value = "".join(node.inputs[place : place + 1])
        given = node.attributes.get(name)
        if value or given is None:
            return self.numbers(value) if value else None
        return tuple(given) if isinstance(given, tuple) else (given,)

    def _model(self, data: bytes) -> Any:
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
        self.opset = max(versions)
        if self.opset < _LEAST_OPSET:
            raise SpecError(
                f"{self.where} has opset {self.opset}, expected {_LEAST_OPSET} or later.",
                "Export it with a newer opset.",
            )
        notes = model.metadata_props[:100]
        self.notes = {_text(entry.key): _text(entry.value) for entry in notes}
        return model

    def _node(self, number: int, node: Any) -> Node | None:
        values = {entry.name: self._attribute(entry) for entry in node.attribute}
        if node.op_type == "Constant" and (value := _constant(values)) is not None:
            for output in node.output:
                self.tensors.add(output, value)
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


def _constant(values: Mapping[str, Any]) -> object | None:
    """The tensor or the array of a ``Constant``; None for texts and sparse tensors."""
    if "value" in values:
        return values["value"] if hasattr(values["value"], "dims") else None
    for name, kind in (("float", np.float32), ("int", np.int64)):
        for key in (f"value_{name}", f"value_{name}s"):
            if isinstance(values.get(key), int | float | tuple):
                return np.array(values[key], kind)
    return None


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
