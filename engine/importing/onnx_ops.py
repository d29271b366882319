"""Converts single ONNX operators to layers with weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_layers import CHW, LearnedLayers
from cnn_tui.engine.importing.onnx_norms import (
    add_batchnorm,
    add_groupnorm,
    add_layernorm,
    add_lrn,
    add_prelu,
)
from cnn_tui.engine.importing.onnx_reading import expect, weight_of, weights_of
from cnn_tui.engine.importing.onnx_scalar import FUNCTIONS, POINTS, nearest_to, values_of
from cnn_tui.engine.importing.onnx_settings import refused
from cnn_tui.engine.importing.onnx_shapes import add_shuffle, flattens, is_volume_again, moved
from cnn_tui.engine.importing.onnx_windows import WINDOWED
from cnn_tui.engine.shapes import adaptive_spans, format_shape
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    layer_type,
)
from cnn_tui.engine.specs.norms import LayerScale
from cnn_tui.engine.specs.pooling import GlobalMaxPool

_FLOATS = frozenset({1, 10, 11, 16})
"""ONNX's numbers of float32, float16, float64 and bfloat16."""


class Operators:
    """Appends the counterparts of single nodes to an assembly."""

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        self.factor, self.offset = np.ones(1), np.zeros(1)
        """The scaling of pixels in the file: ``factor * pixels + offset``."""

    @property
    def normalizes(self) -> bool:
        """Whether the file changes the pixels before the first layer."""
        return bool((self.factor != 1).any() or self.offset.any())

    def add(self, node: Node, assembly: LearnedLayers) -> None:
        """Append the counterpart of a node.

        Raises:
            SpecError: if the node has no counterpart, or its layer does not fit.
        """
        _HANDLERS.get(node.op, _unknown)(self, node, assembly)

    def gemm(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a fully connected layer for ``Gemm``."""
        given = node.attributes
        if given.get("transA", 0):
            raise refused(node, "transposes its input")
        weight, alpha = weight_of(self.file, node, 2), given.get("alpha", 1.0)
        if alpha != 1:  # else a copy, of hundreds of megabytes
            weight = weight * np.float32(alpha)
        self._fc(node, assembly, weight if given.get("transB", 0) else weight.T)
        if self.file.has(node, 2):
            self._shift(node, assembly, weights_of(self.file, node, 2) * given.get("beta", 1.0))

    def matmul(self, node: Node, assembly: LearnedLayers) -> None:
        """Append what ``MatMul`` is: a fully connected layer, a 1x1 convolution, or means."""
        if assembly.flat or (not assembly.layers and len(self.file.sizes) == 2):
            self._fc(node, assembly, weight_of(self.file, node, 2).T)
        elif assembly.layout[-1] == "C":
            weight = weight_of(self.file, node, 2).T
            expect(node, weight.shape[1], assembly.shape[0], assembly)
            layer = Conv(out_channels=len(weight), kernel_size=1, bias=False)
            assembly.learn(layer, node.where, {"weight": weight[:, :, None, None]})
        else:
            self._means(node, assembly)

    def _fc(self, node: Node, assembly: LearnedLayers, weight: np.ndarray) -> None:
        if not assembly.layers and len(self.file.sizes) == 2:
            assembly.flatten()
        if not assembly.flat:
            raise refused(
                node, f"receives a volume of {format_shape(assembly.shape)}; a Flatten is missing"
            )
        shape = assembly.shape
        expect(node, weight.shape[1], math.prod(shape), assembly)
        if len(shape) == 3 and assembly.layout != CHW:
            sizes = [shape[CHW.index(axis)] for axis in assembly.layout]
            weight = weight.reshape(-1, *sizes)
            weight = weight.transpose(0, *(1 + assembly.layout.index(axis) for axis in CHW))
            weight = weight.reshape(len(weight), -1)
        layer = FC(out_features=len(weight), bias=False)
        assembly.learn(layer, node.where, {"weight": weight})
        assembly.layout = CHW

    def _means(self, node: Node, assembly: LearnedLayers) -> None:
        """Append an adaptive average pool, which is exported as means of rows and of columns."""
        axis = 0 if self.file.is_constant(node.inputs[0]) else 1
        matrix = self.file.tensors.array(node.inputs[axis])
        size = list(assembly.shape[1:])
        fits = matrix.ndim == 2 and matrix.shape[1 - axis] == size[axis]
        means = _mean_matrix(size[axis], matrix.shape[axis]) if fits else matrix
        if not fits or not _is_close(matrix, means if axis == 0 else means.T):
            volume = format_shape(assembly.shape)
            raise refused(node, f"receives a volume of {volume}; a Flatten is missing")
        size[axis] = len(means)
        assembly.average_to((size[0], size[1]), node.where)

    def constant(self, node: Node, assembly: LearnedLayers) -> None:
        """Take a constant of ``Add``, ``Sub``, ``Mul`` or ``Div`` into the layer before."""
        places = [at for at, name in enumerate(node.inputs) if self.file.is_constant(name)]
        if len(places) != 1 or len(node.inputs) != 2:
            raise refused(node, "computes with more than one constant")
        value = assembly.per_channel(self.file.tensors.array(node.inputs[places[0]]))
        if value is None:
            raise refused(node, "computes with a constant for each pixel, or of another shape")
        if node.op == "Div" and not places[0]:
            raise refused(node, "divides a constant by its input")
        if node.op == "Sub":
            self.affine(
                node, assembly, *((-np.ones(1), value) if not places[0] else (None, -value))
            )
        elif node.op == "Add":
            self.affine(node, assembly, None, value)
        else:
            self.affine(node, assembly, value if node.op == "Mul" else 1 / value, None)

    def affine(
        self,
        node: Node,
        assembly: LearnedLayers,
        factor: np.ndarray | None,
        offset: np.ndarray | None,
    ) -> None:
        """Multiply by a factor, then add an offset, each for all values or for each channel."""
        normalizes = factor is None or bool((factor > 0).all())
        if not assembly.layers and assembly.is_outermost and normalizes:
            self.factor = self.factor * (1 if factor is None else factor)
            self.offset = self.offset * (1 if factor is None else factor)
            self.offset = self.offset + (0 if offset is None else offset)
            return
        if factor is not None:
            self._scale(node, assembly, factor)
        if offset is not None:
            self._shift(node, assembly, offset)

    def _scale(self, node: Node, assembly: LearnedLayers, factor: np.ndarray) -> None:
        if assembly.can_be_scaled:
            # A factor for each channel is a layer of its own, but not after a batch norm, part of
            # which some programs write so.
            is_layer = not isinstance(assembly.layers[-1], BatchNorm)
            if not is_layer or factor.size != assembly.shape[0]:
                assembly.scale(factor)
                return
        channels = assembly.shape[0]
        if assembly.flat and len(assembly.shape) == 3 and assembly.shape[1:] != (1, 1):
            raise refused(node, "scales a volume that is flattened before")
        weight = np.broadcast_to(factor, (channels,))
        assembly.learn(LayerScale(init_value=1.0), node.where, {"weight": weight})

    def _shift(self, node: Node, assembly: LearnedLayers, offset: np.ndarray) -> None:
        offset = np.asarray(offset, float).reshape(-1)
        assembly.take_in_scale()
        if not assembly.can_be_scaled:
            raise refused(node, "adds a constant that is not a bias")
        if offset.size not in (1, assembly.shape[0]):
            raise refused(node, f"adds {offset.size:,} values to {assembly.shape[0]:,} channels")
        assembly.shift(offset)

    def shuffle(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a channel shuffle for a ``Gather`` of all channels in its order."""
        order, axis = self.file.tensors.array(node.inputs[1]), node.attributes.get("axis", 0) % 4
        if order.ndim != 1 or axis != 1 + assembly.layout.index("C"):
            raise refused(node, "takes other parts than channels")
        add_shuffle(node, order, assembly)

    def dropout(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a dropout; the ratio is an attribute or a constant."""
        ratio = self.file.setting(node, "ratio", 1) or (0.5,)
        assembly.add(Dropout(p=rounded(ratio[0])), node.where)

    def flatten(self, node: Node, assembly: LearnedLayers) -> None:
        """Mark the volume as flat for ``Flatten``."""
        if node.attributes.get("axis", 1) not in (1, -3):
            raise refused(node, "flattens the batch dimension")
        assembly.flatten()

    def reshape(self, node: Node, assembly: LearnedLayers) -> None:
        """Flatten for ``Reshape`` or ``Squeeze``, or take a flat volume as one of 1x1 pixels."""
        wanted = self.file.numbers(node.inputs[1]) if self.file.has(node, 1) else None
        if node.op == "Unsqueeze" or is_volume_again(wanted, assembly):
            if math.prod(assembly.shape) != assembly.shape[0]:
                raise refused(node, "gives a volume another shape")
            assembly.flat = False
        elif node.op == "Reshape" and flattens(wanted, assembly):
            assembly.flatten()
        else:
            raise refused(node, "does not flatten its input")

    def squeeze(self, node: Node, assembly: LearnedLayers) -> None:
        """Mark the volume as flat for ``Squeeze`` of a height and width of 1."""
        if assembly.shape[1:] not in ((), (1, 1)):
            raise refused(node, "removes dimensions other than a height and width of 1")
        assembly.flatten()

    def transpose(self, node: Node, assembly: LearnedLayers) -> None:
        """Note in what order the sizes of the volume are from here on."""
        perm = node.attributes.get("perm", ())
        if assembly.flat or len(perm) != 4 or perm[0] != 0:
            raise refused(node, "moves dimensions other than channels, height and width")
        assembly.layout = moved(assembly.layout, perm)

    def mean(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a global pool for ``ReduceMean`` or ``ReduceMax`` over height and width."""
        axes = self.file.setting(node, "axes", 1)
        over = sorted(("N" + assembly.layout)[int(axis)] for axis in axes or ())
        if over != ["H", "W"]:
            raise refused(node, "takes a mean over axes other than height and width")
        kind = GlobalAvgPool if node.op == "ReduceMean" else GlobalMaxPool
        assembly.add(kind(), node.where)
        if not node.attributes.get("keepdims", 1):
            assembly.flatten()

    def cast(self, node: Node, assembly: LearnedLayers) -> None:
        """Append nothing for a ``Cast`` to another float."""
        if node.attributes.get("to") not in _FLOATS:
            raise refused(node, "converts its input to something other than a float")


def _mean_matrix(size: int, count: int) -> np.ndarray:
    """The matrix ``(count, size)`` of an average pool to a given size along one axis."""
    means = np.zeros((count, size))
    for row, (start, stop) in zip(means, adaptive_spans(size, count), strict=True):
        row[start:stop] = 1 / (stop - start)
    return means


def _is_close(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and np.allclose(found, expected, rtol=0, atol=1e-6)


def _plain(layer: Layer) -> Callable[[Operators, Node, LearnedLayers], None]:
    """Return the handler of an operator that has no attributes, and is one layer here."""

    def add(operators: Operators, node: Node, assembly: LearnedLayers) -> None:
        assembly.add(layer, node.where)

    return add


def _of_file(
    function: Callable[[Node, LearnedLayers, OnnxFile], None],
) -> Callable[[Operators, Node, LearnedLayers], None]:
    return lambda operators, node, assembly: function(node, assembly, operators.file)


def _unknown(operators: Operators, node: Node, assembly: LearnedLayers) -> None:
    nearest = next(
        (kind.info.onnx for kind in LAYER_TYPES.values() if kind.info.onnx.name == node.op), None
    )
    if nearest is not None and nearest.fixed:
        raise SpecError(f"{node.where} has no counterpart; the nearest is {nearest.written}.")
    if node.op in FUNCTIONS:
        values = values_of(node, operators.file, POINTS)
        near = "" if values is None else f"; the nearest is {layer_type(nearest_to(values))}"
        raise refused(node, f"is a function that no activation here computes{near}")
    why = "has no meaning in this position" if node.op in KNOWN else "is not known here"
    raise refused(node, why)


def _nothing(operators: Operators, node: Node, assembly: LearnedLayers) -> None:
    """Append nothing: the node does not change its input."""


_HANDLERS: dict[str, Callable[[Operators, Node, LearnedLayers], None]] = {
    "Gemm": Operators.gemm,
    "MatMul": Operators.matmul,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), Operators.constant),
    "GlobalAveragePool": _plain(GlobalAvgPool()),
    "GlobalMaxPool": _plain(GlobalMaxPool()),
    "ReduceMean": Operators.mean,
    "ReduceMax": Operators.mean,
    "BatchNormalization": _of_file(add_batchnorm),
    "GroupNormalization": _of_file(add_groupnorm),
    "InstanceNormalization": _of_file(add_groupnorm),
    "LayerNormalization": _of_file(add_layernorm),
    "PRelu": _of_file(add_prelu),
    "LRN": _of_file(add_lrn),
    "Dropout": Operators.dropout,
    "Flatten": Operators.flatten,
    "Reshape": Operators.reshape,
    "Unsqueeze": Operators.reshape,
    "Squeeze": Operators.squeeze,
    "Transpose": Operators.transpose,
    "Gather": Operators.shuffle,
    # Of a single input, as a dense block's first layer has it; joins are not single nodes.
    **dict.fromkeys(("Identity", "Concat", "Sum"), _nothing),
    "Cast": Operators.cast,
}
KNOWN = frozenset(_HANDLERS) | {*WINDOWED, "Slice", "Part", "Softmax", "LogSoftmax"}
"""Operators that have a counterpart, some only in certain positions."""
