"""Activation functions and their gradients: one row of ``ACTIVATIONS`` for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.gelu import gate, gelu_exact, gelu_exact_slope, gelu_tanh, gelu_tanh_slope
from cnn_tui.engine.ops.kernel import InPlaceKernel, row_blocks
from cnn_tui.engine.ops.memory import Arena, Array, mask_in
from cnn_tui.engine.ops.rows import whole_rows
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


class ForwardRows(NamedTuple):
    """A block of rows of a forward pass; ``y`` may be ``x``."""

    x: Array
    y: Array
    zeros: Array
    """Zeros that broadcast to ``x``: NumPy finds the larger of two arrays in a fifth of the time
    that it takes for an array and a number."""
    spares: tuple[Array, ...]


class BackwardRows(NamedTuple):
    """A block of rows of a backward pass, small enough to stay in cache; ``dx`` may be ``dy``."""

    x: Array
    y: Array
    """Blocks of backward; of ``x`` and ``y`` only what the activation saves is valid."""
    dy: Array
    dx: Array
    mask: NDArray[np.bool_]
    """Scratch, like ``spares``; every array has the shape of ``x``."""
    spares: tuple[Array, ...]


class Activation(NamedTuple):
    """The functions of one type of activation; each takes the layer's spec first."""

    forward: Callable[[Any, ForwardRows], None]
    """Compute ``y`` from ``x``."""
    backward: Callable[[Any, BackwardRows], None]
    """Compute ``dx`` from ``dy`` and what was saved."""
    saves: Literal["x", "y", "both"]
    """What backward reads. If it is ``y``, the output may overwrite ``x``."""
    spares: int = 1
    """Number of scratch arrays that backward needs, besides a mask."""
    monotone: bool = False
    """Whether the function is non-decreasing, exactly also in floating point."""
    forward_spares: int = 0
    """Number of scratch arrays that forward needs."""
    keeps_zero: bool = True
    """Whether the function maps 0 to 0, so that forward may run over the zeros of halos."""


def _relu(layer: ReLU, rows: ForwardRows) -> None:
    np.maximum(rows.x, rows.zeros, out=rows.y)


def _relu_backward(layer: ReLU, rows: BackwardRows) -> None:
    # A product of numbers and truth values takes longer than the copy.
    (slope,) = rows.spares
    np.greater(rows.y, 0, out=rows.mask)
    np.copyto(slope, rows.mask)
    np.multiply(rows.dy, slope, out=rows.dx)


def _leaky_relu(layer: LeakyReLU, rows: ForwardRows) -> None:
    """``y = max(x, slope * x)`` for a slope from 0 to 1 (Maas et al. 2013)."""
    np.multiply(rows.x, layer.negative_slope, out=rows.y)
    np.maximum(rows.x, rows.y, out=rows.y)


def _leaky_relu_backward(layer: LeakyReLU, rows: BackwardRows) -> None:
    (slope,) = rows.spares
    np.greater(rows.x, 0, out=rows.mask)
    np.copyto(slope, rows.mask)
    np.multiply(slope, 1 - layer.negative_slope, out=slope)
    np.add(slope, layer.negative_slope, out=slope)  # exactly 1 for positive numbers
    np.multiply(rows.dy, slope, out=rows.dx)


def _sigmoid(layer: Sigmoid, rows: ForwardRows) -> None:
    """``y = (1 + tanh(x / 2)) / 2``, which never overflows."""
    y = rows.y
    np.multiply(rows.x, 0.5, out=y)
    np.tanh(y, out=y)
    np.multiply(y, 0.5, out=y)
    np.add(y, 0.5, out=y)


def _sigmoid_backward(layer: Sigmoid, rows: BackwardRows) -> None:
    """``dx = dy * y * (1 - y)``."""
    (slope,) = rows.spares
    np.subtract(1, rows.y, out=slope)
    np.multiply(rows.y, slope, out=slope)
    np.multiply(rows.dy, slope, out=rows.dx)


def _tanh(layer: Tanh, rows: ForwardRows) -> None:
    np.tanh(rows.x, out=rows.y)


def _tanh_backward(layer: Tanh, rows: BackwardRows) -> None:
    """``dx = dy * (1 - y * y)``."""
    (slope,) = rows.spares
    np.multiply(rows.y, rows.y, out=slope)
    np.subtract(1, slope, out=slope)
    np.multiply(rows.dy, slope, out=rows.dx)


def _gelu(layer: GELU, rows: ForwardRows) -> None:
    """``y = x * Phi(x)``, exactly or with Phi in the tanh form."""
    if layer.approximate == "tanh":
        gelu_tanh(rows.x, rows.y)
    else:
        gelu_exact(rows.x, rows.y, rows.zeros, *rows.spares)


def _gelu_backward(layer: GELU, rows: BackwardRows) -> None:
    slope, spare = rows.spares
    if layer.approximate == "tanh":
        gelu_tanh_slope(rows.x, rows.y, slope, spare, rows.mask)
    else:
        gelu_exact_slope(rows.x, rows.y, slope, spare, rows.mask)
    np.multiply(rows.dy, slope, out=rows.dx)


def _relu6(layer: ReLU6, rows: ForwardRows) -> None:
    np.clip(rows.x, 0, 6, out=rows.y)


def _relu6_backward(layer: ReLU6, rows: BackwardRows) -> None:
    (slope,) = rows.spares
    _inside(rows, 6, slope)
    np.multiply(rows.dy, slope, out=rows.dx)


def _inside(rows: BackwardRows, top: float, slope: Array) -> None:
    """Compute 1 where ``0 < y < top`` and 0 elsewhere."""
    # The scratch array takes one more mask until it takes the result.
    below = mask_in(slope, slope.shape)
    np.greater(rows.y, 0, out=rows.mask)
    np.less(rows.y, top, out=below)
    np.logical_and(rows.mask, below, out=rows.mask)
    np.copyto(slope, rows.mask)


def _elu(layer: ELU, rows: ForwardRows) -> None:
    """The larger of ``x`` and ``alpha * (exp(min(x, 0)) - 1)``, for an alpha from 0 to 1."""
    # exp(z) - 1 = 2 * t / (1 - t) with t = tanh(z / 2): expm1 is slow without AVX-512.
    x, y, zeros, (t,) = rows
    np.minimum(x, zeros, out=t)
    np.multiply(t, 0.5, out=t)
    np.tanh(t, out=t)
    np.subtract(1, t, out=y)
    np.divide(t, y, out=y)
    np.multiply(y, 2 * layer.alpha, out=y)
    np.maximum(x, y, out=y)


def _elu_backward(layer: ELU, rows: BackwardRows) -> None:
    """``dx = dy * (alpha * exp(min(x, 0)) + (1 - alpha) * (x > 0))``."""
    slope, spare = rows.spares
    spare.fill(0)
    np.minimum(rows.x, spare, out=slope)
    np.exp(slope, out=slope)
    if layer.alpha != 1:
        np.multiply(slope, layer.alpha, out=slope)
        np.greater(rows.x, 0, out=rows.mask)
        np.copyto(spare, rows.mask)
        np.multiply(spare, 1 - layer.alpha, out=spare)
        np.add(slope, spare, out=slope)
    np.multiply(rows.dy, slope, out=rows.dx)


def _silu(layer: SiLU, rows: ForwardRows) -> None:
    """``y = h * tanh(h) + h`` with ``h = x / 2``, which never overflows."""
    x, y, _, (half,) = rows
    np.multiply(x, 0.5, out=half)
    np.tanh(half, out=y)
    np.multiply(y, half, out=y)
    np.add(y, half, out=y)


def _silu_backward(layer: SiLU, rows: BackwardRows) -> None:
    """``dx = dy * (s + y * (1 - s))`` with ``s = sigmoid(x)``."""
    slope, s = rows.spares
    gate(rows.x, rows.y, s, rows.mask)
    np.subtract(1, s, out=slope)
    np.multiply(slope, rows.y, out=slope)
    np.add(slope, s, out=slope)
    np.multiply(rows.dy, slope, out=rows.dx)


def _hardsigmoid(layer: Hardsigmoid, rows: ForwardRows) -> None:
    y = rows.y
    np.add(rows.x, 3, out=y)
    np.clip(y, 0, 6, out=y)
    np.multiply(y, 1 / 6, out=y)


def _hardsigmoid_backward(layer: Hardsigmoid, rows: BackwardRows) -> None:
    (slope,) = rows.spares
    _inside(rows, 1, slope)
    np.multiply(slope, 1 / 6, out=slope)
    np.multiply(rows.dy, slope, out=rows.dx)


def _hardswish(layer: Hardswish, rows: ForwardRows) -> None:
    y = rows.y
    np.add(rows.x, 3, out=y)
    np.clip(y, 0, 6, out=y)
    np.multiply(y, rows.x, out=y)
    np.multiply(y, 1 / 6, out=y)


def _hardswish_backward(layer: Hardswish, rows: BackwardRows) -> None:
    """``dx = dy * (x / 3 + 1 / 2)`` between -3 and 3, nothing below, ``dy`` above."""
    # With z = x / 3 cut to [-1, 1] the slope is z + (1 - trunc(z)) / 2; copies under a mask cost
    # four times as much.
    slope, whole = rows.spares
    np.multiply(rows.x, 1 / 3, out=slope)
    np.clip(slope, -1, 1, out=slope)
    np.trunc(slope, out=whole)
    np.multiply(whole, 0.5, out=whole)
    np.subtract(slope, whole, out=slope)
    np.add(slope, 0.5, out=slope)
    np.multiply(rows.dy, slope, out=rows.dx)


ACTIVATIONS: dict[type, Activation] = {
    ReLU: Activation(_relu, _relu_backward, "y", monotone=True),
    LeakyReLU: Activation(_leaky_relu, _leaky_relu_backward, "x", monotone=True),
    Sigmoid: Activation(_sigmoid, _sigmoid_backward, "y", keeps_zero=False),
    Tanh: Activation(_tanh, _tanh_backward, "y"),
    GELU: Activation(_gelu, _gelu_backward, "both", spares=2, forward_spares=2),
    ReLU6: Activation(_relu6, _relu6_backward, "y", monotone=True),
    ELU: Activation(_elu, _elu_backward, "x", spares=2, forward_spares=1),
    SiLU: Activation(_silu, _silu_backward, "both", spares=2, forward_spares=1),
    Hardswish: Activation(_hardswish, _hardswish_backward, "x", spares=2),
    Hardsigmoid: Activation(
        _hardsigmoid, _hardsigmoid_backward, "y", monotone=True, keeps_zero=False
    ),
}


def activated(layer: Any, x: Array) -> Array:
    """The values of an activation for numbers in an array of any shape."""
    rule = ACTIVATIONS[type(layer)]
    y, zeros = np.empty_like(x), np.zeros_like(x)
    spares = tuple(np.empty_like(x) for _ in range(rule.forward_spares))
    rule.forward(layer, ForwardRows(x, y, zeros, spares))
    return y


class ActivationKernel(InPlaceKernel):
    """An activation on one shard."""

    def __init__(self, x: Array, y: Array, layer: Any, arena: Arena) -> None:
        self.x, self.y, self.layer = x, y, layer
        self.rule = rule = ACTIVATIONS[type(layer)]
        volumes = whole_rows(arena, x, y) if rule.keeps_zero else [x, y]
        blocks = row_blocks(*volumes)
        zeros = arena.zeros((1, *volumes[0].shape[1:]))
        spares = arena.scratches(*[blocks[0][0].shape] * rule.forward_spares)
        self.rows = [
            ForwardRows(rows, out, zeros, tuple(spare[: len(rows)] for spare in spares))
            for rows, out in blocks
        ]

    def forward(self) -> None:
        for rows in self.rows:
            self.rule.forward(self.layer, rows)

    def bind_gradients(self, dy: Array, dx: Array | None, arena: Arena) -> None:
        super().bind_gradients(dy, dx, arena)
        self.backward_rows: list[BackwardRows] = []
        if dx is None:
            return
        # Whichever of x and y is not saved does not count.
        x = self.y if self.rule.saves == "y" else self.x
        y = self.x if self.rule.saves == "x" else self.y
        blocks = row_blocks(*whole_rows(arena, x, y, dy, dx))
        shape = blocks[0][0].shape
        numbers, *spares = arena.scratches(arena.mask_size(shape), *[shape] * self.rule.spares)
        mask = mask_in(numbers, shape)
        for x, y, dy, dx in blocks:
            some = slice(0, len(x))
            scratch = tuple(spare[some] for spare in spares)
            self.backward_rows.append(BackwardRows(x, y, dy, dx, mask[some], scratch))

    def backward(self) -> None:
        for rows in self.backward_rows:
            self.rule.backward(self.layer, rows)
