"""Activation functions and their gradients: one row of ``ACTIVATIONS`` for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.kernel import InPlaceKernel, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array, mask_in
from cnn_tui.engine.specs.activations import GELU, LeakyReLU, ReLU, Sigmoid, Tanh


class BackwardRows(NamedTuple):
    """A block of rows of a backward pass, small enough to stay in cache; ``dx`` may be ``dy``."""

    saved: Array
    dy: Array
    dx: Array
    mask: NDArray[np.bool_]
    """Scratch, like ``spares``; every array has the shape of ``saved``."""
    spares: tuple[Array, ...]


class Activation(NamedTuple):
    """The functions of one type of activation; each takes the layer's spec first."""

    forward: Callable[[Any, Array, Array], None]
    """Compute ``y`` from ``x``."""
    backward: Callable[[Any, BackwardRows], None]
    """Compute ``dx`` from ``dy`` and what was saved."""
    saves: Literal["x", "y"]
    """The array that backward reads. If it is ``y``, the output may overwrite ``x``."""
    spares: int = 1
    """Number of scratch arrays that backward needs, besides a mask."""
    monotone: bool = False
    """Whether the function is non-decreasing, exactly also in floating point."""


def _relu(layer: ReLU, x: Array, y: Array) -> None:
    np.maximum(x, 0, out=y)


def _relu_backward(layer: ReLU, block: BackwardRows) -> None:
    np.greater(block.saved, 0, out=block.mask)
    np.multiply(block.dy, block.mask, out=block.dx)


def _leaky_relu(layer: LeakyReLU, x: Array, y: Array) -> None:
    """``y = max(x, slope * x)`` for a slope from 0 to 1 (Maas et al. 2013)."""
    np.multiply(x, layer.negative_slope, out=y)
    np.maximum(x, y, out=y)


def _leaky_relu_backward(layer: LeakyReLU, block: BackwardRows) -> None:
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


def _sigmoid_backward(layer: Sigmoid, block: BackwardRows) -> None:
    """``dx = dy * y * (1 - y)``."""
    (slope,) = block.spares
    np.subtract(1, block.saved, out=slope)
    np.multiply(block.saved, slope, out=slope)
    np.multiply(block.dy, slope, out=block.dx)


def _tanh(layer: Tanh, x: Array, y: Array) -> None:
    np.tanh(x, out=y)


def _tanh_backward(layer: Tanh, block: BackwardRows) -> None:
    """``dx = dy * (1 - y * y)``."""
    (slope,) = block.spares
    np.multiply(block.saved, block.saved, out=slope)
    np.subtract(1, slope, out=slope)
    np.multiply(block.dy, slope, out=block.dx)


_SCALE = math.sqrt(2 / math.pi)
_CUBE = 0.044715 * _SCALE


def _gelu(layer: GELU, x: Array, y: Array) -> None:
    """``y = x * (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``."""
    for rows, out in row_blocks(x, y):
        np.multiply(rows, rows, out=out)
        np.multiply(out, _CUBE, out=out)
        np.add(out, _SCALE, out=out)
        np.multiply(out, rows, out=out)
        np.tanh(out, out=out)
        np.add(out, 1, out=out)
        np.multiply(out, rows, out=out)
        np.multiply(out, 0.5, out=out)


def _gelu_backward(layer: GELU, block: BackwardRows) -> None:
    """``dx = dy * (1 - m) * (1 + 2 * m * x * du/dx)`` with ``m = (1 - tanh(u)) / 2``."""
    x, (slope, m) = block.saved, block.spares
    np.multiply(x, x, out=slope)
    np.multiply(slope, _CUBE, out=m)
    np.add(m, _SCALE, out=m)
    np.multiply(m, x, out=m)
    np.tanh(m, out=m)
    np.multiply(m, -0.5, out=m)
    np.add(m, 0.5, out=m)
    np.multiply(slope, 6 * _CUBE, out=slope)
    np.add(slope, 2 * _SCALE, out=slope)
    np.multiply(slope, x, out=slope)
    np.multiply(slope, m, out=slope)
    np.add(slope, 1, out=slope)
    np.subtract(1, m, out=m)
    np.multiply(slope, m, out=slope)
    np.multiply(block.dy, slope, out=block.dx)


ACTIVATIONS: dict[type, Activation] = {
    ReLU: Activation(_relu, _relu_backward, "y", spares=0, monotone=True),
    LeakyReLU: Activation(_leaky_relu, _leaky_relu_backward, "x", monotone=True),
    Sigmoid: Activation(_sigmoid, _sigmoid_backward, "y"),
    Tanh: Activation(_tanh, _tanh_backward, "y"),
    GELU: Activation(_gelu, _gelu_backward, "x", spares=2),
}


class ActivationKernel(InPlaceKernel):
    """An activation on one shard."""

    def __init__(self, x: Array, y: Array, layer: Any) -> None:
        self.x, self.y, self.layer = x, y, layer
        self.rule = ACTIVATIONS[type(layer)]

    def forward(self) -> None:
        self.rule.forward(self.layer, self.x, self.y)

    def plan_backward(
        self, dy: Array, arena: Arena, *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> None:
        super().plan_backward(
            dy, arena, needs_input_grad=needs_input_grad, can_overwrite_grad=can_overwrite_grad
        )
        saved = self.y if self.rule.saves == "y" else self.x
        rows = [] if self.dx is None else row_blocks(saved, self.dy, self.dx)
        self.blocks = _blocks(rows, self.rule.spares, arena) if rows else []

    def backward(self) -> None:
        for block in self.blocks:
            self.rule.backward(self.layer, block)


def _blocks(rows: list[tuple[Array, ...]], count: int, arena: Arena) -> list[BackwardRows]:
    shape = rows[0][0].shape
    numbers, *spares = arena.scratches(arena.mask_size(shape), *[shape] * count)
    mask = mask_in(numbers, shape)
    return [
        BackwardRows(
            saved, dy, dx, mask[: len(saved)], tuple(spare[: len(saved)] for spare in spares)
        )
        for saved, dy, dx in rows
    ]
