"""Chart axes: ranges that rarely move and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnn_tui.tui.words import compact


@dataclass(frozen=True)
class Axis:
    """A range with labelled ticks; labels of one width keep the axis in place."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    name: str = ""

    @property
    def even(self) -> bool:
        """Whether the ticks divide the axis into equal parts, from end to end."""
        return len(self.ticks) > 1 and (self.ticks[0], self.ticks[-1]) == (self.low, self.high)

    @property
    def label_width(self) -> int:
        return max(map(len, self.labels), default=0)


def parts_of(rows: int, *, thirds: bool = True) -> int:
    """Return into how many parts ticks divide an axis of ``rows`` rows, each tick on its own row.

    The chart leaves out the top row if the others can be divided better. Without ``thirds`` there
    are never three parts: those of 100% are no round numbers.
    """
    choices = [
        (parts, spare)
        for spare in (0, 1)
        for parts in ((5, 4, 3, 2) if thirds else (5, 4, 2))
        if (rows - 1 - spare) % parts == 0 and (rows - 1 - spare) // parts >= 2
    ]
    return next((parts for parts, _ in choices if parts > 2), choices[0][0] if choices else 1)


def epochs_axis(reached: float, total: int, ticks: int) -> Axis:
    """Return 0 to the end of the run, or to its half, quarter, ... as long as that is enough.

    A range that doubles moves the picture a few times in a run instead of at every point, and the
    curves always fill at least half of it.
    """
    high = float(max(1, total))
    while high / 2 >= max(reached, _LEAST_EPOCHS):
        high /= 2
    marks = _marks(0.0, high, ticks, (1, 2, 5, 10))
    return Axis(0.0, high, marks, tuple(f"{mark:g}" for mark in marks), "epoch")


def steps_axis(reached: float, *, ended: bool, ticks: int) -> Axis:
    """Return 0 to the last step, or of a run that goes on to a number that doubles with it."""
    high = max(10.0, reached)
    if not ended:
        high = 10.0 * 2.0 ** math.ceil(math.log2(high / 10))
    marks = _marks(0.0, high, ticks, (1, 2, 5, 10))
    return Axis(0.0, high, marks, tuple(compact(round(mark), 6) for mark in marks), "step")


_LEAST_EPOCHS = 0.25
"""The shortest range of epochs that is shown."""


def window(axis: Axis, zoom: int, newest: float, at: float | None, ticks: int) -> Axis:
    """Return a part of an axis, ``2**zoom`` times smaller: its newest part, or that around ``at``.

    It moves by an eighth or a half of its width: a picture that creeps would have to be sent again
    each time.
    """
    if not zoom:
        return axis
    width = (axis.high - axis.low) / 2**zoom
    high = axis.low + max(8, math.ceil((newest - axis.low) / width * 8 - 1e-9)) * width / 8
    if at is not None:
        half = width / 2
        high = min(high, axis.low + max(2, math.ceil((at - axis.low) / half)) * half)
    low = high - width
    step = _round_up(width / max(1, ticks - 1))
    first = math.ceil(low / step - 1e-9)
    marks = tuple(
        step * at for at in range(first, first + ticks + 1) if step * at <= high + width * 1e-3
    )
    return Axis(low, high, marks, tuple(f"{mark:.4g}" for mark in marks), axis.name)


def loss_axis(values: Sequence[float], parts: int) -> Axis:
    """Return 0 to a round number above the largest loss, in equal parts."""
    step = _round_up(max(values, default=1.0) / parts, _EASY)
    marks = tuple(step * part for part in range(parts + 1))
    return Axis(0.0, marks[-1], marks, _aligned([_short(mark) for mark in marks]))


def value_axis(values: Sequence[float], parts: int) -> Axis:
    """Return a range of any figures in equal parts: from 0 if that is not far from them."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if 0 < low < high / 2 or low == high > 0:
        low = 0.0
    elif low / 2 < high < 0 or low == high:
        high = max(high, 0.0)
    step = _round_up((high - low) / parts, _EASY)
    first = math.floor(low / step + 1e-9)
    while high > (first + parts) * step * (1 + 1e-9):
        step = _round_up(step * 1.01, _EASY)
        first = math.floor(low / step + 1e-9)
    marks = tuple(step * (first + part) for part in range(parts + 1))
    return Axis(marks[0], marks[-1], marks, _aligned([_short(mark) for mark in marks]))


_EASY = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def log_axis(values: Sequence[float], parts: int) -> Axis:
    """Return powers of ten around the values, which are decimal logarithms, in equal parts."""
    low = math.floor(min(values, default=-1.0))
    span = max(1, math.ceil(max(values, default=1.0)) - low)
    # Fewer parts, on some of the same rows, if the others would leave a third empty.
    choices = [part for part in range(parts, 0, -1) if parts % part == 0]
    part = next(part for part in choices if math.ceil(span / part) * part <= span * _SLACK)
    step = math.ceil(span / part)
    marks = tuple(float(low + step * at) for at in range(part + 1))
    return Axis(low, marks[-1], marks, _aligned([_short(10.0**mark) for mark in marks]))


_SLACK = 1.34


def accuracy_axis(values: Sequence[float], parts: int) -> Axis:
    """Return round percentages around the accuracies, in equal parts."""
    least, most = min(values, default=0.0), max(values, default=1.0)
    for step in (*_ACCURACY_STEPS, 1 / parts):
        high = max(parts, min(math.ceil(most / step - 1e-9), math.floor(1 / step + 1e-9)))
        if (high - parts) * step <= least + 1e-9 and most - 1e-9 <= high * step <= 1 + 1e-9:
            break
    marks = tuple((high - parts + part) * step for part in range(parts + 1))
    digits = 0 if _is_whole(step * 100) or step == 1 / parts else 1
    return Axis(marks[0], marks[-1], marks, _aligned([f"{mark:.{digits}%}" for mark in marks]))


_ACCURACY_STEPS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.15, 0.2, 0.25)


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
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}"
    mantissa, power = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}e{power}"


def _aligned(labels: list[str]) -> tuple[str, ...]:
    width = max(_LABEL_WIDTH, *map(len, labels))
    return tuple(label.rjust(width) for label in labels)


_LABEL_WIDTH = 5
