"""An ONNX file, read as far as its architecture goes. Needs the package ``onnx``."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnn_tui.engine.errors import SpecError, reason_of
from cnn_tui.engine.specs.files import read_bytes
from cnn_tui.engine.specs.limits import MAX_LAYERS
from cnn_tui.engine.specs.wording import plain, show

MOST_BYTES = 2**31 - 1
"""The most that protobuf takes; larger models keep their weights in other files."""
MOST_NODES = 8 * MAX_LAYERS
_MOST_NUMBERS = 64
"""In a constant that is read; those of weights never are."""
_LEAST_OPSET = 7
"""Before it some operators meant something else."""
_STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class Node:
    """One operator; what is not of the standard bears its domain in its name."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    where: str
    """For messages: ``net.onnx, node 3 (Conv "conv1")``."""


class OnnxFile:
    """A model.

    Raises:
        SpecError: if it cannot be read, or is no model with one input and one output.
    """

    def __init__(self, path: Path, where: str) -> None:
        self.where = where
        self._onnx = _package()
        graph = self._graph(_bytes(path, where))
        if len(graph.node) > MOST_NODES:
            raise SpecError(f"{where} has more than {MOST_NODES:,} nodes.")
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes = [node for node in map(self._node, range(len(graph.node)), graph.node) if node]
        self.name = graph.name
        inputs = [one for one in graph.input if one.name not in self._tensors]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise SpecError(
                f"{where} has {len(inputs)} inputs and {len(graph.output)} outputs.",
                "A network here has one of each.",
            )
        self.input, self.output = inputs[0].name, graph.output[0].name
        self._input_type = inputs[0].type

    def sizes(self) -> tuple[int | None, ...]:
        """Of the input; None where the file leaves one open."""
        dims = self._input_type.tensor_type.shape.dim
        return tuple(one.dim_value if one.dim_value > 0 else None for one in dims[:8])

    def is_constant(self, value: str) -> bool:
        """Whether a value stands in the file."""
        return value in self._tensors

    def shape(self, value: str) -> tuple[int, ...]:
        """The sizes of a constant."""
        return tuple(self._tensors[value].dims)

    def numbers(self, value: str) -> tuple[float, ...] | None:
        """The numbers of a small constant; None of a large one, and of one kept elsewhere."""
        tensor = self._tensors[value]
        if tensor.data_location != self._onnx.TensorProto.DEFAULT or tensor.external_data:
            return None
        if not 0 <= math.prod(tensor.dims) <= _MOST_NUMBERS:
            return None
        try:
            array = self._onnx.numpy_helper.to_array(tensor)
            return tuple(np.asarray(array, float).ravel().tolist())
        except Exception:  # damaged, in any of the ways in which a tensor can be
            return None

    def _graph(self, data: bytes) -> Any:
        model = self._onnx.ModelProto()
        try:
            model.ParseFromString(data)
        except Exception:  # its class belongs to protobuf, whichever of its engines is at work
            raise SpecError(f"{self.where} is not an ONNX model.", "It may be damaged.") from None
        versions = [one.version for one in model.opset_import if one.domain in _STANDARD]
        if not model.graph.node or not versions:
            raise SpecError(f"{self.where} is not an ONNX model with a graph.")
        if max(versions) < _LEAST_OPSET:
            raise SpecError(
                f"{self.where} is of opset {max(versions)}, too old.", "Export it anew."
            )
        self.made_by = model.producer_name
        self.notes = {one.key: one.value for one in model.metadata_props[:100]}
        return model.graph

    def _node(self, number: int, node: Any) -> Node | None:
        values = {a.name: self._attribute(a) for a in node.attribute}
        if node.op_type == "Constant" and isinstance(values.get("value"), self._onnx.TensorProto):
            self._tensors.update(dict.fromkeys(node.output, values["value"]))
            return None
        if node.op_type == "Identity" and set(node.input) <= self._tensors.keys():
            # Exporters let several nodes share a constant in this way.
            shared = self._tensors[node.input[0]] if node.input else None
            self._tensors.update(dict.fromkeys(node.output, shared) if shared else {})
            return None
        op, domain, name = (_text(one) for one in (node.op_type, node.domain, node.name))
        op = op if domain in _STANDARD else f"{domain}.{op}"
        name = f" {show(name)}" if name else ""
        where = f"{self.where}, node {number + 1} ({plain(op)[:60]}{name})"
        return Node(op, tuple(node.input), tuple(node.output), values, where)

    def _attribute(self, attribute: Any) -> object:
        try:
            value = self._onnx.helper.get_attribute_value(attribute)
        except Exception:  # an attribute of no known type
            return None
        return tuple(value) if isinstance(value, list) else value


def _text(value: str | bytes) -> str:
    """Of a field that should be text; protobuf gives bytes where it is damaged."""
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


def _bytes(path: Path, where: str) -> bytes:
    try:
        return read_bytes(path, MOST_BYTES)
    except FileNotFoundError:
        raise SpecError(f"There is no file {where}.", "Check the path.") from None
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise SpecError(f"{where} cannot be read: {reason}.") from None
