"""Reads the weights of ONNX operators, and checks what they receive."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import INPUT_HINT
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_layers import CHW, LearnedLayers
from cnn_tui.engine.importing.onnx_settings import refused
from cnn_tui.engine.shapes import format_shape


def weights_of(file: OnnxFile, node: Node, place: int) -> np.ndarray:
    """Return an input of a node that must be a constant of floats.

    Raises:
        SpecError: if it is not.
    """
    if not file.has(node, place) or not file.is_constant(node.inputs[place]):
        raise refused(node, "has weights that are not in the file")
    array = file.tensors.array(node.inputs[place])
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise refused(node, f"has weights of the type {array.dtype.name}")
    return array


def weight_of(file: OnnxFile, node: Node, dimensions: int) -> np.ndarray:
    """Return the second input of a node, a weight with this number of dimensions.

    Raises:
        SpecError: if it is not.
    """
    array = weights_of(file, node, 1)
    if array.ndim != dimensions:
        raise refused(node, f"has a weight of {array.ndim} dimensions")
    return array


def bias_of(file: OnnxFile, node: Node, size: int) -> dict[str, np.ndarray]:
    """Return the third input of a node as its bias; empty if there is none.

    Raises:
        SpecError: if it has another size.
    """
    if not file.has(node, 2):
        return {}
    bias = weights_of(file, node, 2).reshape(-1)
    if bias.size != size:
        raise refused(node, f"has {bias.size:,} biases for {size:,} channels")
    return {"bias": bias}


def require_order(node: Node, assembly: LearnedLayers) -> None:
    """Refuse volumes whose channels are not first, which ONNX's operators would misread.

    Raises:
        SpecError: if they are in another order.
    """
    if assembly.layout != CHW and not assembly.flat:
        raise refused(node, f"receives volumes in the order {assembly.layout}, not CHW")


def expect(node: Node, declared: int, actual: int, assembly: LearnedLayers) -> None:
    """Refuse weights for another number of values than the layer receives.

    Raises:
        SpecError: if the numbers differ.
    """
    if declared != actual:
        text = (
            f"{node.where} takes {declared:,} inputs, but receives {format_shape(assembly.shape)}"
        )
        raise SpecError(f"{text}, that is {actual:,}.", INPUT_HINT)
