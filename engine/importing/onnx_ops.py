"""The counterparts of ONNX's operators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import INPUT_HINT, Assembly
from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Path, Ratio, Sum
from cnn_tui.engine.importing.onnx_settings import local_norm, refused, window_settings
from cnn_tui.engine.importing.residual import Shortcut, add_block, known_shortcut
from cnn_tui.engine.shapes import format_shape
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
)


class Operators:
    """Puts the counterparts of a path's nodes behind each other."""

    def __init__(self, file: OnnxFile) -> None:
        self._file = file
        self.normalizes = False
        """Whether the file changes the pixels before the first layer."""

    def add(self, path: Path, assembly: Assembly) -> None:
        """Add a whole path.

        Raises:
            SpecError: if something has no counterpart, or does not fit.
        """
        for item in path:
            node = item if isinstance(item, Node) else item.node
            try:
                if isinstance(item, Sum):
                    self._sum(item, assembly)
                elif isinstance(item, Ratio):
                    assembly.add(local_norm(item, self._file), node.where)
                else:
                    _HANDLERS.get(item.op, _misplaced)(self, item, assembly)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                # Attributes of another type or length than the standard has.
                raise SpecError(f"{node.where} has settings that cannot be read.") from None

    def _sum(self, item: Sum, assembly: Assembly) -> None:
        where = item.node.where
        for branch, side in ((item.first, item.second), (item.second, item.first)):
            shortcut = self._shortcut(side, assembly, where)
            if shortcut is not None and branch:
                beside = assembly.branch(where)
                self.add(branch, beside)
                add_block(beside, shortcut, assembly, where)
                return
        raise refused(item.node, "adds two branches of which none is a shortcut that is known")

    def _shortcut(self, side: Path, assembly: Assembly, where: str) -> tuple[Shortcut, int] | None:
        ops = tuple(one.op if isinstance(one, Node) else "" for one in side)
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
        """Of a slice that takes every so many pixels in height and width."""
        if len(node.inputs) != 5 or not all(map(self._file.is_constant, node.inputs[1:])):
            return None
        starts, ends, axes, steps = (self._file.numbers(one) for one in node.inputs[1:])
        whole = starts == (0, 0) and axes == (2, 3) and ends and min(ends) >= 1024
        if not whole or not steps or len(set(steps)) != 1:
            return None
        return int(steps[0])

    def _adds_channels(self, node: Node) -> bool:
        """Of a pad that adds nothing but channels of zeros at the end."""
        if len(node.inputs) < 2 or not self._file.is_constant(node.inputs[1]):
            return False
        pads = self._file.numbers(node.inputs[1])
        plain = node.attributes.get("mode", b"constant") == b"constant" and len(node.inputs) == 2
        return plain and pads is not None and len(pads) == 8 and not any(pads[:5] + pads[6:])

    def conv(self, node: Node, assembly: Assembly) -> None:
        """``Conv``."""
        shape = self._weight(node, 4)
        group = node.attributes.get("group", 1)
        if len(assembly.shape) == 3:
            _expect(node, shape[1] * group, assembly.shape[0], assembly)
        bias = len(node.inputs) > 2 and bool(node.inputs[2])
        sizes = window_settings(node, assembly, (shape[2], shape[3]))
        assembly.add(Conv(out_channels=shape[0], groups=group, bias=bias, **sizes), node.where)

    def gemm(self, node: Node, assembly: Assembly) -> None:
        """``Gemm``: a fully connected layer."""
        given = node.attributes
        if given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1 or given.get("transA", 0):
            raise refused(node, "scales or turns its operands")
        shape = self._weight(node, 2)
        self._fc(node, assembly, shape if given.get("transB", 0) else shape[::-1])
        if len(node.inputs) > 2 and node.inputs[2]:
            assembly.add_bias(self._length(node.inputs[2]), node.where)

    def matmul(self, node: Node, assembly: Assembly) -> None:
        """``MatMul``: a fully connected layer without bias."""
        self._fc(node, assembly, self._weight(node, 2)[::-1])

    def _fc(self, node: Node, assembly: Assembly, shape: tuple[int, ...]) -> None:
        if not assembly.layers:
            assembly.flatten()
        if not assembly.flat:
            raise refused(
                node, f"gets a volume of {format_shape(assembly.shape)} that was not flattened"
            )
        _expect(node, shape[1], math.prod(assembly.shape), assembly)
        assembly.add(FC(out_features=shape[0], bias=False), node.where)

    def constant(self, node: Node, assembly: Assembly) -> None:
        """``Add`` of a bias; ``Add``, ``Sub``, ``Mul`` and ``Div`` of pixels by figures."""
        if not any(map(self._file.is_constant, node.inputs)):
            raise refused(node, "multiplies its input by itself")
        if not assembly.layers:
            self.normalizes = True
        elif node.op == "Add":
            (value,) = (one for one in node.inputs if self._file.is_constant(one))
            assembly.add_bias(self._length(value), node.where)
        else:
            raise refused(node, "calculates with a constant")

    def _length(self, value: str) -> int:
        """Of a vector, dimensions of 1 left out; 0 if it is none."""
        shape = self._file.shape(value) if self._file.is_constant(value) else ()
        longer = [size for size in shape if size != 1]
        return longer[0] if len(longer) == 1 else 0 if longer else 1

    def dropout(self, node: Node, assembly: Assembly) -> None:
        """``Dropout``, whose ratio is a setting or a constant."""
        told = node.inputs[1:2]
        numbers = self._file.numbers(told[0]) if told and self._file.is_constant(told[0]) else None
        p = numbers[0] if numbers else node.attributes.get("ratio", 0.5)
        assembly.add(Dropout(p=rounded(p)), node.where)

    def flatten(self, node: Node, assembly: Assembly) -> None:
        """``Flatten``."""
        if node.attributes.get("axis", 1) not in (1, -3):
            raise refused(node, "flattens the images of a batch together")
        assembly.flatten()

    def reshape(self, node: Node, assembly: Assembly) -> None:
        """``Reshape``, if it is another way to flatten."""
        size = math.prod(assembly.shape)
        known = len(node.inputs) == 2 and self._file.is_constant(node.inputs[1])
        wanted = self._file.numbers(node.inputs[1]) if known else None
        if wanted is None or len(wanted) != 2 or wanted[1] not in (-1, size):
            raise refused(node, "reshapes its input to something else than a flat one")
        assembly.flatten()

    def squeeze(self, node: Node, assembly: Assembly) -> None:
        """``Squeeze`` of a height and a width of 1."""
        if assembly.shape[1:] != (1, 1):
            raise refused(node, "takes away dimensions that are not height and width of 1")
        assembly.flatten()

    def mean(self, node: Node, assembly: Assembly) -> None:
        """``ReduceMean`` over height and width."""
        axes = node.attributes.get("axes")
        if axes is None and len(node.inputs) > 1 and self._file.is_constant(node.inputs[1]):
            axes = self._file.numbers(node.inputs[1])
        if sorted(int(axis) % 4 for axis in axes or ()) != [2, 3]:
            raise refused(node, "takes a mean, and not over height and width")
        assembly.average_to((1, 1), node.where)
        if not node.attributes.get("keepdims", 1):
            assembly.flatten()

    def lrn(self, node: Node, assembly: Assembly) -> None:
        """``LRN``, which divides alpha by the size; the paper does not."""
        given = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, **node.attributes}
        size = max(1, given.get("size", 1))
        alpha, beta, k = rounded(given["alpha"] / size), rounded(given["beta"]), given["bias"]
        assembly.add(LRN(size=size, alpha=alpha, beta=beta, k=rounded(k)), node.where)

    def norm(self, node: Node, assembly: Assembly) -> None:
        """``BatchNormalization``; ONNX's momentum is what is left of the old mean."""
        given = {"epsilon": 1e-5, "momentum": 0.9, **node.attributes}
        momentum = rounded(1 - rounded(given["momentum"]))
        assembly.add(BatchNorm(eps=rounded(given["epsilon"]), momentum=momentum), node.where)

    def _weight(self, node: Node, dimensions: int) -> tuple[int, ...]:
        if len(node.inputs) < 2 or not self._file.is_constant(node.inputs[1]):
            raise refused(node, "has weights that do not stand in the file")
        shape = self._file.shape(node.inputs[1])
        if len(shape) != dimensions:
            raise refused(node, f"has a weight of {len(shape)} dimensions")
        return shape


def _pool(kind: type[MaxPool] | type[AvgPool]) -> Callable[[Operators, Node, Assembly], None]:
    def add(operators: Operators, node: Node, assembly: Assembly) -> None:
        sizes = window_settings(node, assembly, None)
        if sizes["stride"] == sizes["kernel_size"]:
            del sizes["stride"]
        counts = node.attributes.get("count_include_pad", 0)
        if kind is AvgPool and sizes["padding"] not in (0, (0, 0)) and not counts:
            raise refused(node, "leaves the padding out of its means")
        ceil = bool(node.attributes.get("ceil_mode", 0))
        assembly.add(kind(**sizes), node.where, ceil=ceil)

    return add


def _expect(node: Node, told: int, actual: int, assembly: Assembly) -> None:
    if told != actual:
        text = f"{node.where} takes {told:,} inputs, but gets {format_shape(assembly.shape)}"
        raise SpecError(f"{text}, {actual:,}.", INPUT_HINT)


def _plain(kind: type[Layer]) -> Callable[[Operators, Node, Assembly], None]:
    """An operator that takes the settings of a layer, with the same defaults."""
    onnx = kind.info.onnx

    def add(operators: Operators, node: Node, assembly: Assembly) -> None:
        given = node.attributes
        if any(given.get(name) != value.encode() for name, value in onnx.fixed.items()):
            raise SpecError(f"{node.where} has no counterpart; the nearest is {onnx.written}.")
        settings: dict[str, Any] = {
            field: rounded(given[name]) for field, name in onnx.settings.items() if name in given
        }
        assembly.add(kind(**settings), node.where)

    return add


def _misplaced(operators: Operators, node: Node, assembly: Assembly) -> None:
    raise refused(node, "stands where it means nothing here")


def _nothing(operators: Operators, node: Node, assembly: Assembly) -> None:
    """A node that changes nothing."""


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
    "LRN": Operators.lrn,
    "Dropout": Operators.dropout,
    "Flatten": Operators.flatten,
    "Reshape": Operators.reshape,
    "Squeeze": Operators.squeeze,
    "Identity": _nothing,
}
KNOWN = frozenset(_HANDLERS) | {"Slice", "Pad"}
"""Operators that have a counterpart, some of them only in certain places."""
