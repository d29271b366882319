"""The ten figures of the ``shapes`` set, as signed distance functions.

A figure maps coordinates ``u, v``, in which it fits the unit circle, to a distance: negative
inside, zero on the outline, and nearly exact close to it, as smooth edges need. All figures are
built from half-planes, circles, minimum and maximum.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Figure = Callable[[Field, Field], Field]


def _both(first: Field, second: Field) -> Field:
    """The intersection of two figures."""
    common: Field = np.maximum(first, second)
    return common


def _either(first: Field, second: Field) -> Field:
    """The union of two figures."""
    union: Field = np.minimum(first, second)
    return union


def _circle(u: Field, v: Field, radius: float) -> Field:
    distance: Field = np.hypot(u, v) - np.float32(radius)
    return distance


def _box(u: Field, v: Field, width: float, height: float) -> Field:
    """A rectangle; width and height are measured from the centre."""
    return _both(np.abs(u) - np.float32(width), np.abs(v) - np.float32(height))


def _disc(u: Field, v: Field) -> Field:
    return _circle(u, v, 0.85)


def _ring(u: Field, v: Field) -> Field:
    return _both(_circle(u, v, 0.92), -_circle(u, v, 0.48))


def _crescent(u: Field, v: Field) -> Field:
    return _both(_circle(u, v, 0.95), -_circle(u - np.float32(0.45), v, 0.8))


def _square(u: Field, v: Field) -> Field:
    return _box(u, v, 0.72, 0.72)


def _frame(u: Field, v: Field) -> Field:
    return _both(_box(u, v, 0.72, 0.72), -_box(u, v, 0.4, 0.4))


def _cross(u: Field, v: Field) -> Field:
    return _either(_box(u, v, 0.95, 0.28), _box(u, v, 0.28, 0.95))


def _bars(u: Field, v: Field) -> Field:
    return _box(np.abs(u) - np.float32(0.52), v, 0.24, 0.8)


def _corner(u: Field, v: Field) -> Field:
    """The letter L."""
    upright = _box(u + np.float32(0.48), v, 0.26, 0.8)
    return _either(upright, _box(u, v + np.float32(0.54), 0.74, 0.26))


def _triangle(u: Field, v: Field) -> Field:
    largest: Field = np.max(_sides(u, v, 3), axis=0)
    return largest - np.float32(0.48)


def _star(u: Field, v: Field) -> Field:
    """A five-pointed star: all points inside at least four of its five lines."""
    within_four: Field = np.partition(_sides(u, v, 5), 3, axis=0)[3]
    return within_four - np.float32(0.31)


FIGURES: dict[str, Figure] = {
    "disc": _disc,
    "ring": _ring,
    "crescent": _crescent,
    "square": _square,
    "frame": _frame,
    "cross": _cross,
    "bars": _bars,
    "corner": _corner,
    "triangle": _triangle,
    "star": _star,
}
"""The figures by class name."""


def _sides(u: Field, v: Field, count: int) -> list[Field]:
    angles = (2 * math.pi * number / count for number in range(count))
    return [u * np.float32(math.cos(a)) + v * np.float32(math.sin(a)) for a in angles]
