"""Converts single ONNX operators to layers with weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import INPUT_HINT
from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_layers import CHW, LearnedLayers
from cnn_tui.engine.importing.onnx_scalar import FUNCTIONS, POINTS, nearest_to, values_of
from cnn_tui.engine.importing.onnx_settings import NO_PADS, Pads, Windows, refused, windows_of
from cnn_tui.engine.importing.onnx_shapes import flattens, is_volume_again, moved
from cnn_tui.engine.shapes import adaptive_spans, format_shape
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    MaxPool,
    layer_type,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import GlobalMaxPool

_FLOATS = frozenset({1, 10, 11, 16})
"""ONNX's numbers of float32, float16, float64 and bfloat16."""


class Operators:
    """Appends the counterparts of single nodes to an assembly."""

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        self.factor, self.offset = np.ones(1), np.zeros(1)
        """What the file does to pixels before the first layer: ``factor * pixels + offset``."""

    @property
    def normalizes(self) -> bool:
        """Whether the file changes the pixels before the first layer."""
        return bool((self.factor != 1).any() or self.offset.any())

    def add(self, node: Node, assembly: LearnedLayers, pads: Pads = NO_PADS) -> None:
        """Append the counterpart of a node; ``pads`` is what a ``Pad`` before it adds.

        Raises:
            SpecError: if the node has no counterpart, or its layer does not fit.
        """
        try:
            if node.op in ("Conv", "MaxPool", "AveragePool"):
                _WINDOWS[node.op](self, node, assembly, pads)
            else:
                _HANDLERS.get(node.op, _unknown)(self, node, assembly)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # An attribute has another type or length than in the standard.
            raise SpecError(f"{node.where} has invalid attributes or weights.") from None

    def conv(self, node: Node, assembly: LearnedLayers, pads: Pads) -> None:
        """Append a convolution for ``Conv``."""
        weight = self._weight(node, 4)
        group = node.attributes.get("group", 1)
        _require_order(node, assembly)
        if len(assembly.shape) == 3:
            _expect(node, weight.shape[1] * group, assembly.shape[0], assembly)
        kernel = (weight.shape[2], weight.shape[3])
        found = windows_of(node, assembly.shape[1:], kernel, pads)
        if not found.is_symmetric:
            raise refused(node, "pads opposite sides differently")
        layer = Conv(
            out_channels=weight.shape[0],
            groups=group,
            bias=self._has(node, 2),
            dilation=found.dilation if len({*found.dilation}) > 1 else found.dilation[0],
            **found.settings,
        )
        assembly.learn(layer, node.where, {"weight": weight, **self._bias(node, len(weight))})

    def max_pool(self, node: Node, assembly: LearnedLayers, pads: Pads) -> None:
        """Append a max pool for ``MaxPool``."""
        _require_order(node, assembly)
        found = _pool_windows(node, assembly)
        if any(pads):
            raise refused(node, "pads with zeros before a max pool")
        if not found.is_symmetric and not found.is_ceil:
            raise refused(node, "pads opposite sides differently")
        ceil = found.ceil or not found.is_symmetric
        assembly.add(MaxPool(**_pool_settings(found)), node.where, ceil=ceil)

    def average_pool(self, node: Node, assembly: LearnedLayers, pads: Pads) -> None:
        """Append an average pool for ``AveragePool``."""
        _require_order(node, assembly)
        found, counts = (
            _pool_windows(node, assembly),
            bool(node.attributes.get("count_include_pad", 0)),
        )
        if any(pads):
            raise refused(node, "pads with zeros before an average pool")
        if found.covers_all and not counts and any(found.pads):
            assembly.add(GlobalAvgPool(), node.where)
            return
        if not found.is_symmetric and (counts or not found.is_ceil):
            raise refused(node, "pads opposite sides differently")
        settings = _pool_settings(found)
        if any(found.pads):
            settings["count_include_pad"] = counts
        ceil = found.ceil or not found.is_symmetric
        assembly.add(AvgPool(**settings), node.where, ceil=ceil)

    def gemm(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a fully connected layer for ``Gemm``."""
        given = node.attributes
        if given.get("transA", 0):
            raise refused(node, "transposes its input")
        weight = self._weight(node, 2) * np.float32(given.get("alpha", 1.0))
        self._fc(node, assembly, weight if given.get("transB", 0) else weight.T)
        if self._has(node, 2):
            self._shift(node, assembly, self._array(node, 2) * given.get("beta", 1.0))

    def matmul(self, node: Node, assembly: LearnedLayers) -> None:
        """Append what ``MatMul`` is: a fully connected layer, a 1x1 convolution, or means."""
        if assembly.flat or (not assembly.layers and len(self.file.sizes) == 2):
            self._fc(node, assembly, self._weight(node, 2).T)
        elif assembly.layout[-1] == "C":
            weight = self._weight(node, 2).T
            _expect(node, weight.shape[1], assembly.shape[0], assembly)
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
        _expect(node, weight.shape[1], math.prod(shape), assembly)
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
        means = _mean_matrix(size[axis], matrix.shape[axis]) if matrix.ndim == 2 else matrix
        if matrix.ndim != 2 or not _is_close(matrix, means if axis == 0 else means.T):
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
        if not assembly.layers and assembly.is_outermost:
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
            assembly.scale(factor)
            return
        channels = assembly.shape[0]
        if assembly.flat and len(assembly.shape) == 3 and assembly.shape[1:] != (1, 1):
            raise refused(node, "scales a volume that is flattened before")
        weight = np.broadcast_to(factor, (channels,))
        assembly.learn(LayerScale(init_value=1.0), node.where, {"weight": weight})

    def _shift(self, node: Node, assembly: LearnedLayers, offset: np.ndarray) -> None:
        offset = np.asarray(offset, float).reshape(-1)
        if not assembly.can_be_scaled:
            raise refused(node, "adds a constant that is not a bias")
        if offset.size not in (1, assembly.shape[0]):
            raise refused(node, f"adds {offset.size:,} values to {assembly.shape[0]:,} channels")
        assembly.shift(offset)

    def pad(self, node: Node, assembly: LearnedLayers) -> None:
        """Append nothing for a ``Pad`` that adds nothing."""
        if any(self.pads_of(node, assembly)):
            raise refused(node, "pads what no convolution follows")

    def pads_of(self, node: Node, assembly: LearnedLayers) -> Pads:
        """Return what a ``Pad`` adds to height and width.

        Raises:
            SpecError: if it adds channels, or anything but zeros.
        """
        name = "pads" if "pads" in node.attributes or len(node.inputs) > 1 else "paddings"
        pads = self.file.setting(node, name, 1)
        value = self.file.setting(node, "value", 2) or (0.0,)
        axes = self.file.setting(node, "axes", 3)
        constant = node.attributes.get("mode", b"constant") == b"constant"
        if pads is None or not constant or any(value):
            raise refused(node, "pads with something other than zeros")
        order = [int(axis) % 4 for axis in axes] if axes else [0, 1, 2, 3]
        if len(pads) != 2 * len(order):
            raise refused(node, "has padding that is not two-dimensional, or below zero")
        before = dict(zip(order, pads, strict=False))
        after = dict(zip(order, pads[len(order) :], strict=True))
        places = [1 + assembly.layout.index(axis) for axis in CHW]
        others = [one.get(at, 0) for one in (before, after) for at in (0, places[0])]
        sides = [int(one.get(at, 0)) for one in (before, after) for at in places[1:]]
        if any(others) or min(sides) < 0:
            raise refused(node, "pads other dimensions than height and width, or below zero")
        return sides[0], sides[1], sides[2], sides[3]

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
        wanted = self.file.numbers(node.inputs[1]) if self._has(node, 1) else None
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

    def lrn(self, node: Node, assembly: LearnedLayers) -> None:
        """Append an LRN; ONNX divides alpha by the size, the paper does not."""
        _require_order(node, assembly)
        given = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, **node.attributes}
        size = max(1, given.get("size", 1))
        alpha, beta, k = rounded(given["alpha"] / size), rounded(given["beta"]), given["bias"]
        assembly.add(LRN(size=size, alpha=alpha, beta=beta, k=rounded(k)), node.where)

    def norm(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a batch norm; ONNX's momentum is the weight of the old mean."""
        _require_order(node, assembly)
        given = {"epsilon": 1e-5, "momentum": 0.9, **node.attributes}
        momentum = rounded(1 - rounded(given["momentum"]))
        parts = ("weight", "bias", "running_mean", "running_var")
        arrays = {part: self._array(node, at) for at, part in enumerate(parts, 1)}
        for array in arrays.values():
            _expect(node, array.size, assembly.shape[0], assembly)
        if not 0 < momentum <= 1:
            # A file for inference may say that its statistics never move.
            momentum = BatchNorm().momentum
        layer = BatchNorm(eps=max(rounded(given["epsilon"]), 1e-12), momentum=momentum)
        assembly.learn(layer, node.where, arrays)

    def prelu(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a PReLU for ``PRelu``, with a slope for all values or for each channel."""
        slopes = assembly.per_channel(self._array(node, 1))
        if slopes is None:
            raise refused(node, "has slopes that are neither one nor one for each channel")
        layer = PReLU(per_channel=slopes.size > 1)
        assembly.learn(layer, node.where, {"weight": slopes})

    def group_norm(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a group norm for ``GroupNormalization`` or ``InstanceNormalization``."""
        _require_order(node, assembly)
        scale, shift = (self._array(node, at) for at in (1, 2))
        channels, eps = assembly.shape[0], rounded(node.attributes.get("epsilon", 1e-5))
        groups = node.attributes.get("num_groups", channels)
        if scale.size == groups != channels:
            # Up to opset 20 there is one scale for each group.
            scale, shift = (np.repeat(one, channels // groups) for one in (scale, shift))
        _expect(node, scale.size, channels, assembly)
        assembly.learn(
            GroupNorm(num_groups=groups, eps=eps), node.where, {"weight": scale, "bias": shift}
        )

    def layer_norm(self, node: Node, assembly: LearnedLayers) -> None:
        """Append a layer norm for ``LayerNormalization`` over the volume or over the channels."""
        given = {"axis": -1, "epsilon": 1e-5, **node.attributes}
        axis = given["axis"] % (2 if assembly.flat or len(assembly.shape) == 1 else 4)
        by_pixel = axis == 3 and assembly.layout[-1] == "C"
        if axis != 1 and not by_pixel:
            raise refused(node, "normalises neither an image nor the channels of a pixel")
        if not by_pixel:
            _require_order(node, assembly)
        count = assembly.shape[0] if by_pixel else math.prod(assembly.shape)
        scale = self._array(node, 1)
        _expect(node, scale.size, count, assembly)
        shape = (count,) if by_pixel else assembly.shape
        shift = self._array(node, 2) if self._has(node, 2) else np.zeros(count)
        over: Literal["channels", "volume"] = "channels" if by_pixel else "volume"
        layer = LayerNorm(over=over, eps=rounded(given["epsilon"]))
        arrays = {"weight": scale.reshape(shape), "bias": shift.reshape(shape)}
        assembly.learn(layer, node.where, arrays)

    def cast(self, node: Node, assembly: LearnedLayers) -> None:
        """Append nothing for a ``Cast`` to another float."""
        if node.attributes.get("to") not in _FLOATS:
            raise refused(node, "converts its input to something other than a float")

    def _has(self, node: Node, place: int) -> bool:
        return len(node.inputs) > place and bool(node.inputs[place])

    def _array(self, node: Node, place: int) -> np.ndarray:
        if not self._has(node, place) or not self.file.is_constant(node.inputs[place]):
            raise refused(node, "has weights that are not in the file")
        array = self.file.tensors.array(node.inputs[place])
        if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
            raise refused(node, f"has weights of the type {array.dtype.name}")
        return array

    def _weight(self, node: Node, dimensions: int) -> np.ndarray:
        array = self._array(node, 1)
        if array.ndim != dimensions:
            raise refused(node, f"has a weight of {array.ndim} dimensions")
        return array

    def _bias(self, node: Node, size: int) -> dict[str, np.ndarray]:
        if not self._has(node, 2):
            return {}
        bias = self._array(node, 2).reshape(-1)
        if bias.size != size:
            raise refused(node, f"has {bias.size:,} biases for {size:,} channels")
        return {"bias": bias}


def _pool_windows(node: Node, assembly: LearnedLayers) -> Windows:
    found = windows_of(node, assembly.shape[1:], None)
    if tuple(found.dilation) != (1, 1):
        raise refused(node, "has a dilation, which pooling here does not support")
    return found


def _pool_settings(found: Windows) -> dict[str, Any]:
    sizes = found.settings
    if sizes["stride"] == sizes["kernel_size"]:
        del sizes["stride"]
    return sizes


def _mean_matrix(size: int, count: int) -> np.ndarray:
    """The matrix ``(count, size)`` of an average pool to a given size along one axis."""
    means = np.zeros((count, size))
    for row, (start, stop) in zip(means, adaptive_spans(size, count), strict=True):
        row[start:stop] = 1 / (stop - start)
    return means


def _is_close(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and np.allclose(found, expected, rtol=0, atol=1e-6)


def _require_order(node: Node, assembly: LearnedLayers) -> None:
    """Refuse volumes whose channels are not first, which ONNX's operators would misread."""
    if assembly.layout != CHW and not assembly.flat:
        raise refused(node, f"receives volumes in the order {assembly.layout}, not CHW")


def _expect(node: Node, declared: int, actual: int, assembly: LearnedLayers) -> None:
    if declared != actual:
        text = (
            f"{node.where} takes {declared:,} inputs, but receives {format_shape(assembly.shape)}"
        )
        raise SpecError(f"{text}, that is {actual:,}.", INPUT_HINT)


def _plain(layer: Layer) -> Callable[[Operators, Node, LearnedLayers], None]:
    """Return the handler of an operator that has no attributes, and is one layer here."""

    def add(operators: Operators, node: Node, assembly: LearnedLayers) -> None:
        assembly.add(layer, node.where)

    return add


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


_WINDOWS: dict[str, Callable[[Operators, Node, LearnedLayers, Pads], None]] = {
    "Conv": Operators.conv,
    "MaxPool": Operators.max_pool,
    "AveragePool": Operators.average_pool,
}
_HANDLERS: dict[str, Callable[[Operators, Node, LearnedLayers], None]] = {
    "Gemm": Operators.gemm,
    "MatMul": Operators.matmul,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), Operators.constant),
    "GlobalAveragePool": _plain(GlobalAvgPool()),
    "GlobalMaxPool": _plain(GlobalMaxPool()),
    "ReduceMean": Operators.mean,
    "ReduceMax": Operators.mean,
    "BatchNormalization": Operators.norm,
    "GroupNormalization": Operators.group_norm,
    "InstanceNormalization": Operators.group_norm,
    "LayerNormalization": Operators.layer_norm,
    "PRelu": Operators.prelu,
    "LRN": Operators.lrn,
    "Dropout": Operators.dropout,
    "Flatten": Operators.flatten,
    "Reshape": Operators.reshape,
    "Unsqueeze": Operators.reshape,
    "Squeeze": Operators.squeeze,
    "Transpose": Operators.transpose,
    "Pad": Operators.pad,
    # Of a single input, as a dense block's first layer has it; joins are not single nodes.
    **dict.fromkeys(("Identity", "Concat", "Sum"), _nothing),
    "Cast": Operators.cast,
}
KNOWN = frozenset(_HANDLERS) | frozenset(_WINDOWS) | {"Slice", "Part", "Softmax", "LogSoftmax"}
"""Operators that have a counterpart, some only in certain positions."""
