"""The Gaussian error linear unit and its slope, exactly and in the tanh form (Hendrycks 2016)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.ops.normal_tail import normal_tail

_SCALE = math.sqrt(2 / math.pi)
_CUBE = 0.044715 * _SCALE


def gelu_exact(x: Array, y: Array, zeros: Array, spare: Array, tail: Array) -> None:
    """``y = max(0, x) - |x| * Phi(-|x|)``, in which nothing cancels."""
    np.abs(x, out=spare)
    normal_tail(spare, tail, y)
    np.multiply(tail, spare, out=tail)
    np.maximum(x, zeros, out=y)
    np.subtract(y, tail, out=y)


def gate(x: Array, y: Array, out: Array, mask: NDArray[np.bool_]) -> None:
    """Compute ``g`` from ``y = x * g(x)``, where ``g(0)`` is 1/2."""
    np.divide(y, x, out=out)
    np.equal(x, 0, out=mask)
    np.copyto(out, 0.5, where=mask)


def gelu_exact_slope(
    x: Array, y: Array, slope: Array, spare: Array, mask: NDArray[np.bool_]
) -> None:
    """``Phi(x) + x * phi(x)``."""
    gate(x, y, slope, mask)
    np.multiply(x, x, out=spare)
    np.multiply(spare, -0.5, out=spare)
    np.exp(spare, out=spare)
    np.multiply(spare, 1 / math.sqrt(2 * math.pi), out=spare)
    np.multiply(spare, x, out=spare)
    np.add(slope, spare, out=slope)


def gelu_tanh(x: Array, y: Array) -> None:
    """``y = x * (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``."""
    np.multiply(x, x, out=y)
    np.multiply(y, _CUBE, out=y)
    np.add(y, _SCALE, out=y)
    np.multiply(y, x, out=y)
    np.tanh(y, out=y)
    np.add(y, 1, out=y)
    np.multiply(y, x, out=y)
    np.multiply(y, 0.5, out=y)


def gelu_tanh_slope(
    x: Array, y: Array, slope: Array, spare: Array, mask: NDArray[np.bool_]
) -> None:
    """``g * (1 + 2 * (1 - g) * x * du/dx)`` with ``g = (1 + tanh(u)) / 2``."""
    np.multiply(x, x, out=slope)
    np.multiply(slope, 6 * _CUBE, out=slope)
    np.add(slope, 2 * _SCALE, out=slope)
    np.multiply(slope, x, out=slope)
    gate(x, y, spare, mask)
    np.subtract(1, spare, out=spare)
    np.multiply(slope, spare, out=slope)
    np.add(slope, 1, out=slope)
    np.subtract(1, spare, out=spare)
    np.multiply(slope, spare, out=slope)
