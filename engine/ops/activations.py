"""Activation functions and their gradients: one row of ``ACTIVATIONS`` for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.kernel import InPlaceKernel, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array, mask_in
from cnn_tui.engine.ops.normal_tail import normal_tail
from cnn_tui.engine.specs.activations import (
    ELU,
    GELU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Tanh,
)


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

    forward: Callable[..., None]
    """Compute ``y`` from ``x``, with ``scratch`` more arrays of their shape after these."""
    backward: Callable[[Any, BackwardRows], None]
    """Compute ``dx`` from ``dy`` and what was saved."""
    saves: Literal["x", "y"]
    """The array that backward reads. If it is ``y``, the output may overwrite ``x``."""
    spares: int = 1
    """Number of scratch arrays that backward needs, besides a mask."""
    monotone: bool = False
    """Whether the function is non-decreasing, exactly also in floating point."""
    scratch: int = 0
    """Number of scratch arrays that forward needs; it then runs on blocks of rows."""


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


def _gelu(layer: GELU, x: Array, y: Array, spare: Array, tail: Array) -> None:
    """``y = x * Phi(x)``, exactly or with Phi in the tanh form."""
    if layer.approximate == "tanh":
        _gelu_tanh(x, y)
        return
    # max(0, x) - |x| * Phi(-|x|), in which nothing cancels.
    np.abs(x, out=spare)
    normal_tail(spare, tail, y)
    np.multiply(tail, spare, out=tail)
    np.maximum(x, 0, out=y)
    np.subtract(y, tail, out=y)


def _gelu_tanh(x: Array, y: Array) -> None:
    """``y = x * (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``."""
    np.multiply(x, x, out=y)
    np.multiply(y, _CUBE, out=y)
    np.add(y, _SCALE, out=y)
    np.multiply(y, x, out=y)
    np.tanh(y, out=y)
    np.add(y, 1, out=y)
    np.multiply(y, x, out=y)
    np.multiply(y, 0.5, out=y)


def _gelu_backward(layer: GELU, block: BackwardRows) -> None:
    if layer.approximate == "tanh":
        _gelu_tanh_backward(block)
    else:
        _gelu_exact_backward(block)


def _gelu_tanh_backward(block: BackwardRows) -> None:
    """``dx = dy * (1 - m) * (1 + 2 * m * x * du/dx)`` with ``m = (1 - tanh(u)) / 2``."""
    x, (slope, m, _) = block.saved, block.spares
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


def _gelu_exact_backward(block: BackwardRows) -> None:
    """``dx = dy * (Phi(x) + x * phi(x))``, Phi by its tail: ``1/2 + sign(x) * (1/2 - tail)``."""
    x, (slope, tail, spare) = block.saved, block.spares
    np.abs(x, out=slope)
    normal_tail(slope, tail, spare)
    np.subtract(0.5, tail, out=tail)
    np.copysign(tail, x, out=tail)
    np.add(tail, 0.5, out=tail)
    np.multiply(x, x, out=slope)
    np.multiply(slope, -0.5, out=slope)
    np.exp(slope, out=slope)
    np.multiply(slope, 1 / math.sqrt(2 * math.pi), out=slope)
    np.multiply(slope, x, out=slope)
    np.add(slope, tail, out=slope)
    np.multiply(block.dy, slope, out=block.dx)


def _relu6(layer: ReLU6, x: Array, y: Array) -> None:
    np.clip(x, 0, 6, out=y)


def _relu6_backward(layer: ReLU6, block: BackwardRows) -> None:
    np.greater(block.saved, 0, out=block.mask)
    np.multiply(block.dy, block.mask, out=block.dx)
    np.less(block.saved, 6, out=block.mask)
    np.multiply(block.dx, block.mask, out=block.dx)


def _elu(layer: ELU, x: Array, y: Array) -> None:
    """The larger of ``x`` and ``alpha * (exp(min(x, 0)) - 1)``, for an alpha from 0 to 1."""
    np.minimum(x, 0, out=y)
    np.expm1(y, out=y)
    np.multiply(y, layer.alpha, out=y)
    np.maximum(x, y, out=y)


def _elu_backward(layer: ELU, block: BackwardRows) -> None:
    (slope,) = block.spares
    np.minimum(block.saved, 0, out=slope)
    np.exp(slope, out=slope)
    np.multiply(slope, layer.alpha, out=slope)
    np.greater(block.saved, 0, out=block.mask)
    np.copyto(slope, 1, where=block.mask)
    np.multiply(block.dy, slope, out=block.dx)


def _silu(layer: SiLU, x: Array, y: Array) -> None:
    """``y = x * (1 + tanh(x / 2)) / 2``, which never overflows."""
    np.multiply(x, 0.5, out=y)
    np.tanh(y, out=y)
    np.add(y, 1, out=y)
    np.multiply(y, x, out=y)
    np.multiply(y, 0.5, out=y)


def _silu_backward(layer: SiLU, block: BackwardRows) -> None:
    """``dx = dy * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``."""
    slope, s = block.spares
    np.multiply(block.saved, 0.5, out=s)
    np.tanh(s, out=s)
    np.multiply(s, 0.5, out=s)
    np.add(s, 0.5, out=s)
    np.subtract(1, s, out=slope)
    np.multiply(slope, block.saved, out=slope)
    np.add(slope, 1, out=slope)
    np.multiply(slope, s, out=slope)
    np.multiply(block.dy, slope, out=block.dx)


def _hardsigmoid(layer: Hardsigmoid, x: Array, y: Array) -> None:
    np.add(x, 3, out=y)
    np.clip(y, 0, 6, out=y)
    np.multiply(y, 1 / 6, out=y)


def _hardsigmoid_backward(layer: Hardsigmoid, block: BackwardRows) -> None:
    np.greater(block.saved, 0, out=block.mask)
    np.multiply(block.dy, block.mask, out=block.dx)
    np.less(block.saved, 1, out=block.mask)
    np.multiply(block.dx, block.mask, out=block.dx)
    np.multiply(block.dx, 1 / 6, out=block.dx)


def _hardswish(layer: Hardswish, x: Array, y: Array) -> None:
    np.add(x, 3, out=y)
    np.clip(y, 0, 6, out=y)
    np.multiply(y, x, out=y)
    np.multiply(y, 1 / 6, out=y)


def _hardswish_backward(layer: Hardswish, block: BackwardRows) -> None:
    """``dx = dy * (x / 3 + 1 / 2)`` from -3 to 3, nothing below, ``dy`` above."""
    (slope,) = block.spares
    np.multiply(block.saved, 1 / 3, out=slope)
    np.add(slope, 0.5, out=slope)
    np.less_equal(block.saved, -3, out=block.mask)
    np.copyto(slope, 0, where=block.mask)
    np.greater_equal(block.saved, 3, out=block.mask)
    np.copyto(slope, 1, where=block.mask)
    np.multiply(block.dy, slope, out=block.dx)


ACTIVATIONS: dict[type, Activation] = {
    ReLU: Activation(_relu, _relu_backward, "y", spares=0, monotone=True),
    LeakyReLU: Activation(_leaky_relu, _leaky_relu_backward, "x", monotone=True),
    Sigmoid: Activation(_sigmoid, _sigmoid_backward, "y"),
    Tanh: Activation(_tanh, _tanh_backward, "y"),
    GELU: Activation(_gelu, _gelu_backward, "x", spares=3, scratch=2),
    ReLU6: Activation(_relu6, _relu6_backward, "y", spares=0, monotone=True),
    ELU: Activation(_elu, _elu_backward, "x"),
    SiLU: Activation(_silu, _silu_backward, "x", spares=2),
    Hardswish: Activation(_hardswish, _hardswish_backward, "x"),
    Hardsigmoid: Activation(_hardsigmoid, _hardsigmoid_backward, "y", spares=0, monotone=True),
}


class ActivationKernel(InPlaceKernel):
    """An activation on one shard."""

    def __init__(self, x: Array, y: Array, layer: Any, arena: Arena) -> None:
        self.x, self.y, self.layer = x, y, layer
        self.rule = ACTIVATIONS[type(layer)]
        rows = row_blocks(x, y) if self.rule.scratch else [(x, y)]
        spares = arena.scratches(*[rows[0][0].shape] * self.rule.scratch)
        self.parts = [(*part, *(spare[: len(part[0])] for spare in spares)) for part in rows]

    def forward(self) -> None:
        for part in self.parts:
            self.rule.forward(self.layer, *part)

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
