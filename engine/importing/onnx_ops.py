"""Converts ONNX operators to layers; refuses those without a counterpart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import INPUT_HINT, Assembly
from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Path, Ratio, Sum
from cnn_tui.engine.importing.onnx_settings import local_norm, refused, window_settings
from cnn_tui.engine.importing.residual import Shortcut, add_block, known_shortcut
from cnn_tui.engine.shapes import adaptive_spans, format_shape
from cnn_tui.engine.specs.activations import PReLU, ReLU6
from cnn_tui.engine.specs.layers import (
    FC,
    LAYER_TYPES,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Layer,
    MaxPool,
    ReLU,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad

_PAD_MODES: dict[bytes, Literal["zeros", "reflect", "replicate"]] = {
    b"constant": "zeros",
    b"reflect": "reflect",
    b"edge": "replicate",
}
_CHANNELS_LAST = ("Transpose", "LayerNormalization")
"""Operators that may find the channels last."""
_MOST_MEANS = 1 << 16
"""Entries of a matrix that is compared with that of an adaptive pool."""


class Operators:
    """Appends the counterparts of the nodes of a path to an assembly."""

    def __init__(self, file: OnnxFile) -> None:
        self._file = file
        self.normalizes = False
        """Whether the file transforms the pixels before the first layer."""

    def add(self, path: Path, assembly: Assembly) -> None:
        """Append the counterparts of a whole path.

        Raises:
            SpecError: if a node has no counterpart, or a layer does not fit.
        """
        for item in path:
            node = item if isinstance(item, Node) else item.node
            try:
                if assembly.channels_last and node.op not in _CHANNELS_LAST:
                    raise refused(node, "computes with the channels last")
                if isinstance(item, Sum):
                    self._sum(item, assembly)
                elif isinstance(item, Ratio):
                    assembly.add(local_norm(item, self._file), node.where)
                else:
                    _HANDLERS.get(item.op, _misplaced)(self, item, assembly)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                # An attribute has another type or length than in the standard.
                raise SpecError(f"{node.where} has invalid attributes.") from None

    def _sum(self, item: Sum, assembly: Assembly) -> None:
        where = item.node.where
        for branch, side in ((item.first, item.second), (item.second, item.first)):
            shortcut = self._shortcut(side, assembly, where)
            if shortcut is not None and branch:
                beside = assembly.branch(where)
                self.add(branch, beside)
                add_block(beside, shortcut, assembly, where)
                return
        raise refused(item.node, "adds two branches, neither of which is a known shortcut")

    def _shortcut(self, side: Path, assembly: Assembly, where: str) -> tuple[Shortcut, int] | None:
        ops = tuple(item.op if isinstance(item, Node) else "" for item in side)
        if ops == ("Slice", "Pad"):
            slicing, padding = side
            assert isinstance(slicing, Node) and isinstance(padding, Node)
            stride = self._slice_stride(slicing)
            return ("zero-pad", stride) if stride and self._adds_channels(padding) else None
        if len(ops) > 2 or not set(ops) <= {"Conv", "BatchNormalization"}:
            return None
        beside = assembly.branch(where)
        self.add(side, beside)
        return known_shortcut(beside.layers)

    def _slice_stride(self, node: Node) -> int | None:
        """The stride of a slice in height and width; None for any other slice."""
        if len(node.inputs) != 5 or not all(map(self._file.is_constant, node.inputs[1:])):
            return None
        starts, ends, axes, steps = map(self._file.numbers, node.inputs[1:])
        whole = starts == (0, 0) and axes == (2, 3) and ends and min(ends) >= 1024
        if not whole or not steps or len(set(steps)) != 1:
            return None
        return int(steps[0])

    def _adds_channels(self, node: Node) -> bool:
        """Whether a pad only adds channels of zeros at the end."""
        if len(node.inputs) < 2 or not self._file.is_constant(node.inputs[1]):
            return False
        pads = self._file.numbers(node.inputs[1])
        plain = node.attributes.get("mode", b"constant") == b"constant" and len(node.inputs) == 2
        return plain and pads is not None and len(pads) == 8 and not any(pads[:5] + pads[6:])

    def conv(self, node: Node, assembly: Assembly) -> None:
        """Append a convolution for ``Conv``."""
        shape = self._weight(node, 4)
        group = node.attributes.get("group", 1)
        if len(assembly.shape) == 3:
            _expect(node, shape[1] * group, assembly.shape[0], assembly)
        bias = len(node.inputs) > 2 and bool(node.inputs[2])
        sizes = window_settings(node, assembly, (shape[2], shape[3]))
        assembly.add(Conv(out_channels=shape[0], groups=group, bias=bias, **sizes), node.where)

    def gemm(self, node: Node, assembly: Assembly) -> None:
        """Append a fully connected layer for ``Gemm``."""
        given = node.attributes
        if given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1 or given.get("transA", 0):
            raise refused(node, "scales or transposes its operands")
        shape = self._weight(node, 2)
        self._fc(node, assembly, shape if given.get("transB", 0) else shape[::-1])
        if len(node.inputs) > 2 and node.inputs[2]:
            assembly.add_bias(self._length(node.inputs[2]), node.where)

    def matmul(self, node: Node, assembly: Assembly) -> None:
        """Append a fully connected layer without bias for ``MatMul``, or the means of one axis."""
        if len(assembly.shape) == 3 and not assembly.flat:
            self._means(node, assembly)
            return
        self._fc(node, assembly, self._weight(node, 2)[::-1])

    def _fc(self, node: Node, assembly: Assembly, shape: tuple[int, ...]) -> None:
        if not assembly.layers:
            assembly.flatten()
        if not assembly.flat:
            raise refused(
                node, f"receives a volume of {format_shape(assembly.shape)}; a Flatten is missing"
            )
        _expect(node, shape[1], math.prod(assembly.shape), assembly)
        assembly.add(FC(out_features=shape[0], bias=False), node.where)

    def _means(self, node: Node, assembly: Assembly) -> None:
        """Append an adaptive average pool, which is exported as means of rows and of columns."""
        axis = 0 if self._file.is_constant(node.inputs[0]) else 1
        value = node.inputs[axis]
        shape = self._file.shape(value) if self._file.is_constant(value) else ()
        _, *size = assembly.shape
        have, size[axis] = size[axis], shape[axis] if len(shape) == 2 else 0
        if sorted(shape) != sorted((have, size[axis])) or not self._is_means(value, axis, have):
            volume = format_shape(assembly.shape)
            raise refused(node, f"receives a volume of {volume}; a Flatten is missing")
        assembly.average_to((size[0], size[1]), node.where)

    def _is_means(self, value: str, axis: int, size: int) -> bool:
        """Whether a matrix takes the means of an adaptive pool of ``size`` pixels along an axis."""
        shape = self._file.shape(value)
        numbers = self._file.numbers(value, _MOST_MEANS)
        spans = adaptive_spans(size, shape[axis])
        rows = [
            [1 / (stop - start) if start <= at < stop else 0.0 for at in range(size)]
            for start, stop in spans
        ]
        expected = rows if axis == 0 else [list(column) for column in zip(*rows, strict=True)]
        flat = [number for row in expected for number in row]
        return numbers is not None and all(
            abs(found - want) < 1e-6 for found, want in zip(numbers, flat, strict=True)
        )

    def constant(self, node: Node, assembly: Assembly) -> None:
        """Add a bias for ``Add``; skip arithmetic with constants on the pixels."""
        if not any(map(self._file.is_constant, node.inputs)):
            raise refused(node, "multiplies its input by itself")
        if not assembly.layers:
            self.normalizes = True
        elif node.op == "Add":
            (value,) = filter(self._file.is_constant, node.inputs)
            assembly.add_bias(self._length(value), node.where)
        elif node.op == "Mul" and self._is_by_channel(node, assembly):
            assembly.add(LayerScale(), node.where)
        else:
            raise refused(node, "computes with a constant")

    def _is_by_channel(self, node: Node, assembly: Assembly) -> bool:
        """Whether a constant has one entry for each channel, and no batch of its own."""
        (value,) = filter(self._file.is_constant, node.inputs)
        channels, *size = assembly.shape
        return self._file.shape(value)[-1 - len(size) :] == (channels, *[1] * len(size))

    def _length(self, value: str) -> int:
        """The length of a vector, ignoring dimensions of 1; 0 for other arrays."""
        shape = self._file.shape(value) if self._file.is_constant(value) else ()
        longer = [size for size in shape if size != 1]
        return longer[0] if len(longer) == 1 else 0 if longer else 1

    def dropout(self, node: Node, assembly: Assembly) -> None:
        """Append a dropout; the ratio is an attribute or a constant."""
        ratio = "".join(node.inputs[1:2])
        numbers = self._file.numbers(ratio) if self._file.is_constant(ratio) else None
        p = numbers[0] if numbers else node.attributes.get("ratio", 0.5)
        assembly.add(Dropout(p=rounded(p)), node.where)

    def flatten(self, node: Node, assembly: Assembly) -> None:
        """Mark the volume as flat for ``Flatten``."""
        if node.attributes.get("axis", 1) not in (1, -3):
            raise refused(node, "flattens the batch dimension")
        assembly.flatten()

    def reshape(self, node: Node, assembly: Assembly) -> None:
        """Mark the volume as flat for ``Reshape``, if it flattens."""
        size = math.prod(assembly.shape)
        known = len(node.inputs) == 2 and self._file.is_constant(node.inputs[1])
        wanted = self._file.numbers(node.inputs[1]) if known else None
        if wanted is None or len(wanted) != 2 or wanted[1] not in (-1, size):
            raise refused(node, "does not flatten its input")
        assembly.flatten()

    def squeeze(self, node: Node, assembly: Assembly) -> None:
        """Mark the volume as flat for ``Squeeze`` of a height and width of 1."""
        if assembly.shape[1:] != (1, 1):
            raise refused(node, "removes dimensions other than a height and width of 1")
        assembly.flatten()

    def mean(self, node: Node, assembly: Assembly) -> None:
        """Append a global average pool for ``ReduceMean`` over height and width."""
        axes = node.attributes.get("axes")
        if axes is None and len(node.inputs) > 1 and self._file.is_constant(node.inputs[1]):
            axes = self._file.numbers(node.inputs[1])
        if sorted(int(axis) % 4 for axis in axes or ()) != [2, 3]:
            raise refused(node, "takes a mean over axes other than height and width")
        assembly.average_to((1, 1), node.where)
        if not node.attributes.get("keepdims", 1):
            assembly.flatten()

    def lrn(self, node: Node, assembly: Assembly) -> None:
        """Append an LRN; ONNX divides alpha by the size, the paper does not."""
        given = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, **node.attributes}
        size = max(1, given.get("size", 1))
        alpha, beta, k = rounded(given["alpha"] / size), rounded(given["beta"]), given["bias"]
        assembly.add(LRN(size=size, alpha=alpha, beta=beta, k=rounded(k)), node.where)

    def clip(self, node: Node, assembly: Assembly) -> None:
        """Append a ReLU6 or a ReLU for ``Clip``; the bounds are attributes or constants."""
        low, high = (self._bound(node, *bound) for bound in ((1, "min"), (2, "max")))
        kinds: dict[tuple[float | None, float | None], Layer] = {(0, 6): ReLU6(), (0, None): ReLU()}
        if (low, high) not in kinds:
            raise refused(node, f"clips to {low} and {high}; the nearest is 0 and 6")
        assembly.add(kinds[low, high], node.where)

    def _bound(self, node: Node, place: int, name: str) -> float | None:
        value = "".join(node.inputs[place : place + 1])
        numbers = self._file.numbers(value) if value and self._file.is_constant(value) else None
        bound = numbers[0] if numbers else node.attributes.get(name)
        return None if bound is None or abs(bound) > 1e30 else rounded(bound)

    def prelu(self, node: Node, assembly: Assembly) -> None:
        """Append a PReLU for ``PRelu``, whose slopes are ``(1,)`` or ``(C, 1, 1)``."""
        slopes = self._length(node.inputs[1])
        if slopes not in (1, assembly.shape[0]):
            raise refused(node, "has slopes that are neither one nor one for each channel")
        assembly.add(PReLU(per_channel=slopes > 1), node.where)

    def group_norm(self, node: Node, assembly: Assembly) -> None:
        """Append a group norm for ``GroupNormalization`` with a scale for each channel."""
        if self._length(node.inputs[1]) != assembly.shape[0]:
            raise refused(node, "has a scale for each group instead of each channel")
        given = {"epsilon": 1e-5, **node.attributes}
        groups, eps = given["num_groups"], rounded(given["epsilon"])
        assembly.add(GroupNorm(num_groups=groups, eps=eps), node.where)

    def layer_norm(self, node: Node, assembly: Assembly) -> None:
        """Append a layer norm for ``LayerNormalization`` over the volume or over the channels."""
        given, rank = {"axis": -1, "epsilon": 1e-5, **node.attributes}, len(assembly.shape) + 1
        rank = 2 if assembly.flat else rank
        axis = given["axis"] % rank
        if len(node.inputs) != 3 or axis != (3 if assembly.channels_last else 1):
            raise refused(node, "does not normalise all of an image, or has no shift")
        over: Literal["channels", "volume"] = "channels" if assembly.channels_last else "volume"
        assembly.add(LayerNorm(over=over, eps=rounded(given["epsilon"])), node.where)

    def transpose(self, node: Node, assembly: Assembly) -> None:
        """Note that channels come last from here on, or no longer."""
        wanted = (0, 3, 1, 2) if assembly.channels_last else (0, 2, 3, 1)
        if tuple(node.attributes.get("perm", ())) != wanted or assembly.flat:
            raise refused(node, "moves dimensions other than the channels")
        assembly.channels_last = not assembly.channels_last

    def pad(self, node: Node, assembly: Assembly) -> None:
        """Append a padding of height and width for ``Pad``."""
        pads = self._numbers(node, 1) or node.attributes.get("pads", ())
        mode = node.attributes.get("mode", b"constant")
        if len(node.inputs) > 3 or len(pads) != 8 or any((*pads[:2], *pads[4:6])):
            raise refused(node, "pads other dimensions than height and width")
        if mode not in _PAD_MODES or any(self._numbers(node, 2) or ()):
            raise refused(node, "pads with other values than zeros or pixels")
        top, left, bottom, right = (int(pads[at]) for at in (2, 3, 6, 7))
        sides = (left, right, top, bottom)
        padding = left if len({*sides}) == 1 else sides
        assembly.add(Pad(padding=padding, padding_mode=_PAD_MODES[mode]), node.where)

    def gather(self, node: Node, assembly: Assembly) -> None:
        """Append a channel shuffle for ``Gather`` of all channels in its order."""
        order = self._numbers(node, 1) or ()
        channels = assembly.shape[0]
        # The second channel after the shuffle is the first one of the second group.
        size = int(order[1]) if len(order) > 1 else 0
        groups = channels // size if size and channels % size == 0 else 0
        expected = [at % groups * size + at // groups for at in range(channels * (groups > 0))]
        if node.attributes.get("axis", 0) != 1 or not order or list(order) != expected:
            raise refused(node, "takes channels in an order that is not a shuffle of groups")
        assembly.add(ChannelShuffle(groups=groups), node.where)

    def _numbers(self, node: Node, place: int) -> tuple[float, ...] | None:
        """The entries of a constant input; None if there is none."""
        value = "".join(node.inputs[place : place + 1])
        constant = value and self._file.is_constant(value)
        return self._file.numbers(value, _MOST_MEANS) if constant else None

    def norm(self, node: Node, assembly: Assembly) -> None:
        """Append a batch norm; ONNX's momentum is the weight of the old mean."""
        given = {"epsilon": 1e-5, "momentum": 0.9, **node.attributes}
        momentum = rounded(1 - rounded(given["momentum"]))
        assembly.add(BatchNorm(eps=rounded(given["epsilon"]), momentum=momentum), node.where)

    def _weight(self, node: Node, dimensions: int) -> tuple[int, ...]:
        if len(node.inputs) < 2 or not self._file.is_constant(node.inputs[1]):
            raise refused(node, "has weights that are not in the file")
        shape = self._file.shape(node.inputs[1])
        if len(shape) != dimensions:
            raise refused(node, f"has a weight of {len(shape)} dimensions")
        return shape


def _pool(kind: type[MaxPool] | type[AvgPool]) -> Callable[[Operators, Node, Assembly], None]:
    def add(operators: Operators, node: Node, assembly: Assembly) -> None:
        sizes = window_settings(node, assembly, None)
        if sizes["stride"] == sizes["kernel_size"]:
            del sizes["stride"]
        if kind is AvgPool and sizes["padding"] not in (0, (0, 0)):
            sizes["count_include_pad"] = bool(node.attributes.get("count_include_pad", 0))
        ceil = bool(node.attributes.get("ceil_mode", 0))
        assembly.add(kind(**sizes), node.where, ceil=ceil)

    return add


def _expect(node: Node, declared: int, actual: int, assembly: Assembly) -> None:
    if declared != actual:
        text = (
            f"{node.where} takes {declared:,} inputs, but receives {format_shape(assembly.shape)}"
        )
        raise SpecError(f"{text}, that is {actual:,}.", INPUT_HINT)


def _plain(kind: type[Layer]) -> Callable[[Operators, Node, Assembly], None]:
    """Return the handler of an operator whose attributes and defaults are those of a layer."""
    onnx = kind.info.onnx

    def add(operators: Operators, node: Node, assembly: Assembly) -> None:
        known = {**onnx.fixed, **onnx.defaults}
        wanted = {*onnx.fixed, *onnx.settings.values()}
        attributes = {**onnx.defaults, **node.attributes}
        given = {
            name: _as_setting(value, known.get(name))
            for name, value in attributes.items()
            if name in wanted
        }
        if any(given.get(name) != _as_setting(value, value) for name, value in onnx.fixed.items()):
            raise SpecError(f"{node.where} has no counterpart; the nearest is {onnx.written}.")
        settings: dict[str, Any] = {
            field: given[name] for field, name in onnx.settings.items() if name in given
        }
        assembly.add(kind(**settings), node.where)

    return add


def _as_setting(value: Any, usual: object) -> str | float:
    """An attribute as the settings of a layer have it, of the type of its ``usual`` value."""
    if isinstance(usual, str):
        return value if isinstance(value, str) else str(value, "ascii", "replace")
    return rounded(value)


def _misplaced(operators: Operators, node: Node, assembly: Assembly) -> None:
    raise refused(node, "has no meaning in this position")


def _nothing(operators: Operators, node: Node, assembly: Assembly) -> None:
    """Append nothing: the node does not change its input."""


_HANDLERS: dict[str, Callable[[Operators, Node, Assembly], None]] = {
    **{kind.info.onnx.name: _plain(kind) for kind in LAYER_TYPES.values()},
    "Conv": Operators.conv,
    "Gemm": Operators.gemm,
    "MatMul": Operators.matmul,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), Operators.constant),
    "MaxPool": _pool(MaxPool),
    "AveragePool": _pool(AvgPool),
    "GlobalAveragePool": lambda _, node, assembly: assembly.average_to((1, 1), node.where),
    "ReduceMean": Operators.mean,
    "BatchNormalization": Operators.norm,
    "Clip": Operators.clip,
    "PRelu": Operators.prelu,
    "GroupNormalization": Operators.group_norm,
    "LayerNormalization": Operators.layer_norm,
    "Transpose": Operators.transpose,
    "Pad": Operators.pad,
    "Gather": Operators.gather,
    "LRN": Operators.lrn,
    "Dropout": Operators.dropout,
    "Flatten": Operators.flatten,
    "Reshape": Operators.reshape,
    "Squeeze": Operators.squeeze,
    "Identity": _nothing,
}
KNOWN = frozenset(_HANDLERS) | {"Slice"}
"""Operators that have a counterpart, some only in certain positions."""
