"""Computes beforehand what in an ONNX graph depends on constants and shapes alone."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_tensors import MOST_ENTRIES

Shapes = Mapping[str, tuple[int, ...]]
_SHAPE_OPS = ("Shape", "Size")


def fold(file: OnnxFile, sizes: tuple[int, ...] | None) -> list[Node]:
    """Turn nodes with constant inputs into constants of the file, and return the others.

    ``sizes`` is the shape of the input for nodes that read shapes; None if it is unknown.

    Raises:
        SpecError: if a node has invalid inputs.
    """
    nodes = [node for node in file.nodes if not _fold(node, file, {})]
    while sizes and any(node.op in _SHAPE_OPS for node in nodes):
        # Shapes that are computed from shapes are known one block after another.
        shapes = inferred_shapes(file, sizes)
        rest = [node for node in nodes if not _fold(node, file, shapes)]
        if len(rest) == len(nodes):
            break
        nodes = rest
    return nodes


def inferred_shapes(file: OnnxFile, sizes: tuple[int, ...]) -> Shapes:
    """Return the shapes of all values that ``onnx`` can infer without the weights."""
    known = {file.input: sizes}
    while True:
        found = _inferred(file, known)
        sliced = {
            node.outputs[0]: shape
            for node in file.nodes
            if node.op == "Slice" and (shape := _sliced(node, file, found))
        }
        if sliced.keys() <= known.keys():
            return found
        known |= sliced


def _sliced(node: Node, file: OnnxFile, shapes: Shapes) -> tuple[int, ...]:
    """The shape that a ``Slice`` gives; empty if it is unknown, or nothing is left."""
    names = (("starts", 1), ("ends", 2), ("axes", 3), ("steps", 4))
    starts, ends, axes, steps = (file.setting(node, *name) for name in names)
    shape = list(shapes.get(node.inputs[0], ())) if node.inputs and node.outputs else []
    if not shape or starts is None or ends is None or (len(node.inputs) > 1 and axes is None):
        return ()
    order = axes or range(len(starts))
    try:
        for axis, start, end, step in zip(
            order, starts, ends, steps or (1,) * len(starts), strict=True
        ):
            taken = slice(int(start), int(end), int(step))
            shape[int(axis)] = len(range(*taken.indices(shape[int(axis)])))
    except (LookupError, ValueError):
        return ()
    return tuple(shape) if min(shape) > 0 else ()


def _inferred(file: OnnxFile, known: Shapes) -> dict[str, tuple[int, ...]]:
    """One pass of ``onnx``; it leaves out ``Slice``, at which damaged files end the process."""
    onnx = importlib.import_module("onnx")
    model = onnx.ModelProto()
    model.ir_version = file.model.ir_version
    model.opset_import.extend(file.model.opset_import)
    graph, source = model.graph, file.model.graph
    graph.name = "shapes"
    constants = file.tensors
    graph.node.extend(
        node
        for node in source.node
        if node.op_type != "Slice" and not all(name in constants for name in node.output if name)
    )
    kind = onnx.TensorProto.FLOAT
    for name, sizes in known.items():
        graph.input.append(onnx.helper.make_tensor_value_info(name, kind, sizes))
    for name in constants:
        shape = constants.shape(name)
        if math.prod(shape) <= _FEW:
            array = np.ascontiguousarray(constants.array(name))
            graph.initializer.append(onnx.numpy_helper.from_array(array.reshape(shape), name))
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    graph.output.extend(source.output)
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except Exception:  # damaged graphs raise errors of many types
        return {}
    found = dict(known)
    for value in (*graph.value_info, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.dim_value > 0 for dim in dims):
            found[value.name] = tuple(dim.dim_value for dim in dims)
    return found


_FEW = 64
"""Entries of a constant up to which it may be a shape."""


def _fold(node: Node, file: OnnxFile, shapes: Shapes) -> bool:
    """Whether the node is computed, and its outputs now constants."""
    if node.op in _SHAPE_OPS and node.inputs and node.inputs[0] in shapes:
        shape = np.array(shapes[node.inputs[0]], np.int64)
        if node.op == "Size":
            shape = shape.prod()
        else:
            shape = shape[node.attributes.get("start", 0) : node.attributes.get("end")]
        file.tensors.add(node.outputs[0], shape)
        return True
    given = [name for name in node.inputs if name]
    if not given or not node.outputs or not all(map(file.is_constant, given)):
        return False
    if node.op == "Identity":
        file.tensors.share(given[0], node.outputs[0])
        return True
    if node.op not in _OPS:
        return False
    try:
        arrays = [file.tensors.array(name) for name in given]
        with np.errstate(all="ignore"):
            result = np.asarray(_OPS[node.op](node.attributes, *arrays))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise SpecError(f"{node.where} has invalid inputs or attributes.") from None
    file.tensors.add(node.outputs[0], result)
    return True


Attributes = Mapping[str, Any]


def _filled(given: Attributes, shape: np.ndarray) -> np.ndarray:
    sizes = tuple(map(int, shape.ravel()))
    if any(size < 0 for size in sizes) or math.prod(sizes) > MOST_ENTRIES:
        raise ValueError(sizes)
    value = np.float32(0)
    if "value" in given:
        onnx = importlib.import_module("onnx")
        value = onnx.numpy_helper.to_array(given["value"]).ravel()[0]
    # Takes no memory before its values are used.
    return np.broadcast_to(value, sizes)


def _cast(given: Attributes, x: np.ndarray) -> np.ndarray:
    onnx = importlib.import_module("onnx")
    return np.asarray(x, onnx.helper.tensor_dtype_to_np_dtype(given["to"]))


def _axes(given: Attributes, axes: np.ndarray | None) -> tuple[int, ...]:
    return tuple(map(int, given.get("axes", ()) if axes is None else axes.ravel()))


def _squeeze(given: Attributes, x: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    return np.squeeze(x, _axes(given, axes) or None)


def _unsqueeze(given: Attributes, x: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    return np.expand_dims(x, _axes(given, axes))


def _reshape(given: Attributes, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
    kept = enumerate(map(int, shape.ravel()))
    return x.reshape([size or x.shape[axis] for axis, size in kept])


def _slice(given: Attributes, x: np.ndarray, *inputs: np.ndarray) -> np.ndarray:
    starts, ends, *rest = (
        [list(map(int, one.ravel())) for one in inputs]
        if inputs
        else [list(given[name]) for name in ("starts", "ends")]
    )
    axes = rest[0] if rest else list(given.get("axes", range(len(starts))))
    steps = rest[1] if len(rest) > 1 else [1] * len(starts)
    taken = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        # A slice to before the first entry has no number in NumPy.
        taken[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
    return x[tuple(taken)]


def _divide(given: Attributes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # ONNX divides whole numbers towards zero.
    return np.trunc(x / y).astype(x.dtype) if x.dtype.kind in "iu" else np.asarray(x / y)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(given: Attributes, *arrays: np.ndarray) -> Any:
        if math.prod(np.broadcast_shapes(*(array.shape for array in arrays))) > MOST_ENTRIES:
            raise ValueError("too large")
        return function(*arrays)

    return apply


_OPS: dict[str, Callable[..., Any]] = {
    "ConstantOfShape": _filled,
    "Cast": _cast,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Slice": _slice,
    "Transpose": lambda given, x: np.transpose(x, given.get("perm")),
    "Gather": lambda given, x, at: np.take(x, at.astype(int), given.get("axis", 0)),
    "Concat": lambda given, *parts: np.concatenate(parts, given["axis"]),
    "Div": _divide,
    "ReduceProd": lambda given, x, *axes: np.prod(x, keepdims=bool(given.get("keepdims", 1))),
    "Where": _plain(np.where),
    "Equal": _plain(np.equal),
    "Add": _plain(np.add),
    "Sub": _plain(np.subtract),
    "Mul": _plain(np.multiply),
    "Neg": _plain(np.negative),
    "Sqrt": _plain(np.sqrt),
    "Floor": _plain(np.floor),
    "Ceil": _plain(np.ceil),
    "Max": _plain(np.maximum),
    "Min": _plain(np.minimum),
}
