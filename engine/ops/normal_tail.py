"""The tail of the normal distribution, of which the exact GELU is made; NumPy has no erf."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.memory import Array

_CENTRE = 5.0
_COEFFICIENTS = (
    7.514272167972973e-10,
    2.873264867389678e-09,
    -8.79693532678e-09,
    -3.3112133466716515e-08,
    7.45299443829451e-08,
    2.359748982799116e-07,
    -6.731915435168358e-07,
    -1.2645269883489917e-06,
    6.643536610839108e-06,
    9.586519192635344e-07,
    -6.042722012515565e-05,
    0.00013427764304048745,
    0.00021955069036157276,
    -0.0023788445020843665,
    0.008991370555293239,
    -0.023413900473113952,
    0.04785535228395435,
    -0.08088387726479956,
    0.11606881188600622,
    -0.14345755526400283,
    0.07691930497500629,
)
"""``exp(a**2 / 2) * Q(a)`` as a polynomial in ``(a - 5) / (a + 5)``, the highest power first:
a Chebyshev fit as in Schonfelder 1978, "Chebyshev expansions for the error and related functions".
"""
_SHORT = (
    0.0002227419351,
    0.000225196022,
    -0.00242714161,
    0.008977977159,
    -0.02340417212,
    0.04785802764,
    -0.0808847306,
    0.1160686714,
    -0.1434575316,
    0.07691930585,
)
"""The polynomial to 2.5e-8 of its size, from 0 to 14, where float32 ends: a minimax fit."""


def normal_tail(a: Array, tail: Array, scratch: Array) -> None:
    """Compute ``Q(a) = erfc(a / sqrt(2)) / 2`` for ``a >= 0``, to 1e-15, and 1e-13 of its size.

    In float32 that is to the precision of the numbers. All three arrays have the same shape;
    ``tail`` and ``scratch`` are overwritten.
    """
    np.add(a, _CENTRE, out=scratch)
    np.divide(-2 * _CENTRE, scratch, out=scratch)
    np.add(scratch, 1, out=scratch)
    first, second, *others = _SHORT if a.dtype == np.float32 else _COEFFICIENTS
    np.multiply(scratch, first, out=tail)
    np.add(tail, second, out=tail)
    for coefficient in others:
        np.multiply(tail, scratch, out=tail)
        np.add(tail, coefficient, out=tail)
    np.multiply(a, a, out=scratch)
    np.multiply(scratch, -0.5, out=scratch)
    np.exp(scratch, out=scratch)
    np.multiply(tail, scratch, out=tail)
