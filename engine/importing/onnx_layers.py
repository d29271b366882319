"""Layers with their weights, as an ONNX graph gives them one after another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import msgspec
import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, Layer
from cnn_tui.engine.specs.norms import LayerScale

Arrays = dict[str, np.ndarray]
"""The parameters and buffers of a layer by their names in it: ``weight``, ``running_mean``."""
MOST_WEIGHTS = 2**30
"""Numbers of all weights together; constants that a file only describes take no room in it."""
CHW = "CHW"


class LearnedLayers(Assembly):
    """An assembly that also holds the weights of its layers, in the order of computation.

    ``layout`` is the order of the sizes of a volume in the graph, such as ``HWC``; the shapes here
    are always channels, height and width.
    """

    def __init__(self, shape: Shape, depth: int = 0) -> None:
        super().__init__(shape, depth)
        self.weights: list[Arrays] = []
        self._count = 0
        self.layout = CHW
        self.broken = False
        """Whether a layer before was refused, so that the shape here is not known."""

    def branch(self, where: str) -> Self:
        """Return an assembly for a branch, with the same layout."""
        branch = super().branch(where)
        branch.layout, branch._count = self.layout, self._count
        return branch

    def learn(self, layer: Layer, where: str, arrays: Arrays) -> None:
        """Append a layer with weights.

        Raises:
            SpecError: if the layer does not fit, or the weights are too many.
        """
        self._count += sum(array.size for array in arrays.values())
        if self._count > MOST_WEIGHTS:
            raise SpecError(f"{where} has weights beyond {MOST_WEIGHTS:,} numbers.")
        self.add(layer, where)
        self.weights.append({name: _float32(array) for name, array in arrays.items()})

    def take(self, block: Layer, branches: Sequence[Self], where: str) -> None:
        """Append a block of layers with the weights of its branches, in their order.

        Raises:
            SpecError: if the block does not fit.
        """
        self.add(block, where)
        for branch in branches:
            self.weights += branch.weights
        self._count = max(branch._count for branch in branches)
        self.flat, self.layout = branches[0].flat, branches[0].layout

    @property
    def is_outermost(self) -> bool:
        """Whether these are the layers of the network, not of a branch."""
        return not self._depth

    @property
    def can_be_scaled(self) -> bool:
        """Whether the last layer can take up a factor and an offset for each channel."""
        last = self.layers[-1] if self.layers else None
        return isinstance(last, Conv | DWConv | FC | BatchNorm)

    def scale(self, factor: np.ndarray) -> None:
        """Multiply the output of the last layer by a factor, ``(C,)`` or ``(1,)``."""
        arrays = self.weights[-1]
        weight = arrays["weight"]
        arrays["weight"] = _float32(weight * factor.reshape(-1, *(1,) * (weight.ndim - 1)))
        if "bias" in arrays:
            arrays["bias"] = _float32(arrays["bias"] * factor)

    def take_in_scale(self) -> None:
        """Make a layer scale at the end a part of the layer before, so that it can be shifted."""
        if len(self.layers) > 1 and isinstance(self.layers[-1], LayerScale):
            scale, before = self.layers.pop(), self.layers[-1]
            if isinstance(before, Conv | DWConv | FC):
                self.scale(self.weights.pop()["weight"])
            else:
                self.layers.append(scale)

    def shift(self, offset: np.ndarray) -> None:
        """Add an offset, ``(C,)`` or ``(1,)``, to the output of the last layer."""
        arrays, last = self.weights[-1], self.layers[-1]
        if isinstance(last, Conv | DWConv | FC) and not last.bias:
            self.layers[-1] = msgspec.structs.replace(last, bias=True)
            arrays["bias"] = np.zeros(len(arrays["weight"]), np.float32)
        arrays["bias"] = _float32(arrays["bias"] + offset)

    def per_channel(self, array: np.ndarray) -> np.ndarray | None:
        """Return a constant as ``(C,)`` or ``(1,)`` if it has one value for each channel or one."""
        if array.size == 1:
            return array.reshape(1).astype(float)
        axes = "C" if self.flat or len(self.shape) == 1 else self.layout
        channels = math.prod(self.shape) if axes == "C" else self.shape[0]
        sizes = [channels if axis == "C" else 1 for axis in axes]
        shape = array.shape[-len(sizes) :] if array.ndim > len(sizes) else array.shape
        if array.size != channels or shape != tuple(sizes[-len(shape) :]):
            return None
        return array.reshape(-1).astype(float)


def _float32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.float32)
