"""Chart axes: ranges that rarely move and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A range with labelled ticks; labels of one width keep the axis in place."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    name: str = ""

    @property
    def label_width(self) -> int:
        return max(map(len, self.labels), default=0)


def epochs_axis(reached: float, total: int, ticks: int) -> Axis:
    """Return 0 to the end of the run; for a long run, to the next power of two.

    A range that doubles moves the picture a few times in a run instead of at every point.
    """
    high = float(max(1, total))
    if total > _SHORT_RUN:
        high = min(high, 2.0 ** math.ceil(math.log2(max(reached, _SHORT_RUN / 2))))
    marks = _marks(0.0, high, ticks, (1, 2, 5, 10), least=1.0)
    return Axis(0.0, high, marks, tuple(f"{mark:g}" for mark in marks), "epoch")


def window(axis: Axis, zoom: int, anchor: float, ticks: int) -> Axis:
    """Return a part of an axis, ``2**zoom`` times smaller, with ``anchor`` in its right half.

    It moves by half of its width: a picture that creeps would have to be sent again each time.
    """
    if not zoom:
        return axis
    half = (axis.high - axis.low) / 2 ** (zoom + 1)
    low = axis.low + max(0, math.ceil((anchor - axis.low) / half) - 2) * half
    step = _round_up(2 * half / max(1, ticks - 1))
    first = math.ceil(low / step - 1e-9)
    marks = tuple(
        step * at for at in range(first, first + ticks + 1) if step * at <= low + 2 * half * 1.001
    )
    return Axis(low, low + 2 * half, marks, tuple(f"{mark:.4g}" for mark in marks), axis.name)


_SHORT_RUN = 16
"""The number of epochs up to which the whole run is always shown."""


def loss_axis(values: Sequence[float], ticks: int) -> Axis:
    """Return 0 to a round number above the largest loss."""
    high = _round_up(max(values, default=1.0), _EASY_TO_QUARTER)
    parts = 4 if ticks > 4 else 2
    marks = tuple(high * part / parts for part in range(parts + 1))
    return Axis(0.0, high, marks, _aligned([_short(mark) for mark in marks]))


_EASY_TO_QUARTER = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)


def log_axis(values: Sequence[float]) -> Axis:
    """Return powers of ten around the values, which are decimal logarithms."""
    low = math.floor(min(values, default=-1.0))
    high = max(low + 1, math.ceil(max(values, default=1.0)))
    step = math.ceil((high - low) / 4)
    marks = tuple(float(power) for power in range(low, high + 1, step))
    return Axis(low, high, marks, _aligned([_short(10.0**mark) for mark in marks]))


def accuracy_axis(values: Sequence[float], ticks: int) -> Axis:
    """Return a round percentage below the smallest accuracy to 100%."""
    smallest = min(values, default=0.0)
    low = next(floor for floor in (0.9, 0.8, 0.5, 0.0) if smallest >= floor)
    marks = _marks(low, 1.0, ticks)
    return Axis(low, 1.0, marks, _aligned([f"{mark:.0%}" for mark in marks]))


def near_axis(values: Sequence[float], ticks: int) -> Axis:
    """Return a narrow range around accuracies, with ticks at round percentages."""
    least, most = min(values, default=0.0), max(values, default=1.0)
    margin = max(_MARGIN * (most - least), _LEAST_RANGE / 2)
    low, high = least - margin, most + margin
    step = _round_up((high - low) / ticks)
    marks = tuple(step * at for at in range(math.ceil(low / step), math.floor(high / step) + 1))
    digits = next(digits for digits in range(9) if _is_whole(step * 10 ** (2 + digits)))
    return Axis(low, high, marks, _aligned([f"{mark:.{digits}%}" for mark in marks]))


def choices_axis(names: Sequence[object], name: str) -> Axis:
    """Return equally spaced positions for some choices."""
    places = tuple(map(float, range(len(names))))
    return Axis(-0.5, len(names) - 0.5, places, tuple(map(str, names)), name)


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6


_MARGIN = 0.04
_LEAST_RANGE = 0.002

_ROUND = (1, 2, 2.5, 5, 10)


def _marks(
    low: float, high: float, count: int, factors: Sequence[float] = _ROUND, least: float = 0.0
) -> tuple[float, ...]:
    step = max(least, _round_up((high - low) / max(1, count - 1), factors))
    number = int((high - low) / step + 1e-9)
    return tuple(low + step * at for at in range(number + 1))


def _round_up(value: float, factors: Sequence[float] = _ROUND) -> float:
    """Return the next factor, of which the last is 10, times a power of ten."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next((unit * f for f in factors if unit * f >= value * (1 - 1e-9)), unit * 10)


def _short(value: float) -> str:
    """Format three digits at most, enough to distinguish quarters of an easy number."""
    if value == 0 or 1e-3 <= value < 1e4:
        return f"{value:.3g}"
    mantissa, power = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}e{power}"


def _aligned(labels: list[str]) -> tuple[str, ...]:
    width = max(_LABEL_WIDTH, *map(len, labels))
    return tuple(label.rjust(width) for label in labels)


_LABEL_WIDTH = 5
