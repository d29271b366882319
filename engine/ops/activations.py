"""The non-linearities between layers, and their gradients: one row of ``ACTIVATIONS`` for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.kernel import InPlaceKernel, row_blocks
from cnn_tui.engine.ops.memory import Array, Memory, mask_in
from cnn_tui.engine.specs.activations import LeakyReLU, ReLU, Sigmoid, Tanh


class Block(NamedTuple):
    """Some rows of a backward pass, few enough to stay in cache; ``dx`` may be ``dy`` itself."""

    saved: Array
    dy: Array
    dx: Array
    mask: NDArray[np.bool_]
    """To compute in, as are the spares; all are of the shape of ``saved``."""
    spares: tuple[Array, ...]


class Activation(NamedTuple):
    """How one kind of activation computes; the first argument is its spec."""

    forward: Callable[[Any, Array, Array], None]
    """Compute ``y`` from ``x``."""
    backward: Callable[[Any, Block], None]
    """Compute ``dx`` from ``dy`` and what was saved."""
    saves: Literal["x", "y"]
    """The array that backward reads. If that is ``y``, then ``y`` may take the place of ``x``."""
    spares: int = 1
    """How many arrays backward needs to compute in, besides a mask."""
    monotone: bool = False
    """Whether larger inputs never give smaller outputs, to the last bit."""


def _relu(layer: ReLU, x: Array, y: Array) -> None:
    np.maximum(x, 0, out=y)


def _relu_backward(layer: ReLU, block: Block) -> None:
    np.greater(block.saved, 0, out=block.mask)
    np.multiply(block.dy, block.mask, out=block.dx)


def _leaky_relu(layer: LeakyReLU, x: Array, y: Array) -> None:
    """``y = max(x, slope * x)`` for a slope from 0 to 1 (Maas et al. 2013)."""
    np.multiply(x, layer.negative_slope, out=y)
    np.maximum(x, y, out=y)


def _leaky_relu_backward(layer: LeakyReLU, block: Block) -> None:
    np.greater(block.saved, 0, out=block.mask)
    (slope,) = block.spares
    slope.fill(layer.negative_slope)
    np.copyto(slope, 1, where=block.mask)
    np.multiply(block.dy, slope, out=block.dx)


def _sigmoid(layer: Sigmoid, x: Array, y: Array) -> None:
    """``y = (1 + tanh(x / 2)) / 2``, which never overflows."""
    np.multiply(x, 0.5, out=y)
    np.tanh(y, out=y)
    np.multiply(y, 0.5, out=y)
    np.add(y, 0.5, out=y)


def _sigmoid_backward(layer: Sigmoid, block: Block) -> None:
    """``dx = dy * y * (1 - y)``."""
    (slope,) = block.spares
    np.subtract(1, block.saved, out=slope)
    np.multiply(block.saved, slope, out=slope)
    np.multiply(block.dy, slope, out=block.dx)


def _tanh(layer: Tanh, x: Array, y: Array) -> None:
    np.tanh(x, out=y)


def _tanh_backward(layer: Tanh, block: Block) -> None:
    """``dx = dy * (1 - y * y)``."""
    (slope,) = block.spares
    np.multiply(block.saved, block.saved, out=slope)
    np.subtract(1, slope, out=slope)
    np.multiply(block.dy, slope, out=block.dx)


ACTIVATIONS: dict[type, Activation] = {
    ReLU: Activation(_relu, _relu_backward, "y", spares=0, monotone=True),
    LeakyReLU: Activation(_leaky_relu, _leaky_relu_backward, "x", monotone=True),
    Sigmoid: Activation(_sigmoid, _sigmoid_backward, "y"),
    Tanh: Activation(_tanh, _tanh_backward, "y"),
}


class ActivationKernel(InPlaceKernel):
    """An activation on one shard."""

    def __init__(self, x: Array, y: Array, layer: Any) -> None:
        self.x, self.y, self.layer = x, y, layer
        self.rule = ACTIVATIONS[type(layer)]

    def forward(self) -> None:
        self.rule.forward(self.layer, self.x, self.y)

    def bind_backward(self, dy: Array, memory: Memory, *, need_dx: bool, own_dy: bool) -> None:
        super().bind_backward(dy, memory, need_dx=need_dx, own_dy=own_dy)
        saved = self.y if self.rule.saves == "y" else self.x
        rows = [] if self.dx is None else row_blocks(saved, self.dy, self.dx)
        self.blocks = _blocks(rows, self.rule.spares, memory) if rows else []

    def backward(self) -> None:
        for block in self.blocks:
            self.rule.backward(self.layer, block)


def _blocks(rows: list[tuple[Array, ...]], count: int, memory: Memory) -> list[Block]:
    shape = rows[0][0].shape
    numbers, *spares = memory.scratches(memory.mask_size(shape), *[shape] * count)
    mask = mask_in(numbers, shape)
    return [
        Block(saved, dy, dx, mask[: len(saved)], tuple(spare[: len(saved)] for spare in spares))
        for saved, dy, dx in rows
    ]
