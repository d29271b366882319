"""A curve of any length in bounded memory, and its reduction for a chart or a line of text."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from math import exp, inf, isfinite
from operator import itemgetter

Point = tuple[float, float]

CAPACITY = 2048


class Series:
    """Points with rising x. Beyond the capacity, neighbours are merged into their two extremes.

    Memory and drawing time stay constant after a million points, and no peak is lost.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = max(4, capacity)
        self._points: list[Point] = []
        self._bucket: list[Point] = []
        self._width = 1
        self._last = -inf
        self.not_finite = 0
        """The number of NaN or infinite points, which no chart can show."""

    def add(self, x: float, y: float) -> None:
        """Append a point; a smaller x, as from a damaged file, is raised to the last one."""
        if not (isfinite(x) and isfinite(y)):
            self.not_finite += 1
            return
        x = self._last = max(self._last, x)
        if self._width == 1:
            self._points.append((x, y))
            if len(self._points) > self._capacity:
                self._make_room()
        else:
            self._bucket.append((x, y))
            if len(self._bucket) >= self._width:
                self._points += _extremes(self._bucket)
                self._bucket.clear()
                if len(self._points) > self._capacity:
                    self._make_room()

    def points(self) -> tuple[Point, ...]:
        """Return the points in order of x; the newest is always the last."""
        return (*self._points, *_extremes(self._bucket), *self._bucket[-1:])

    def _make_room(self) -> None:
        self._width = max(4, self._width * 2)
        pairs = range(0, len(self._points), 4)
        self._points = [p for at in pairs for p in _extremes(self._points[at : at + 4])]


class Smooth(Series):
    """A running mean of noisy points (an exponential average).

    Its memory is a range of x, not a number of points, so that runs with small and large batches
    are equally smooth; ``by_point`` if x has no known scale.
    """

    def __init__(
        self, memory: float = 0.1, capacity: int = CAPACITY, by_point: bool = False
    ) -> None:
        super().__init__(capacity)
        self._memory, self._by_point = memory, by_point
        self._mean: float | None = None
        self._x = 0.0

    def add(self, x: float, y: float) -> None:
        """Append the mean up to this point; a value that is not finite does not change the mean."""
        if isfinite(y):
            old = y if self._mean is None else self._mean
            passed = A_POINT if self._by_point else x - self._x
            old_share = exp(-passed / self._memory) if passed > 0 else 1.0
            y = self._mean = y + old_share * (old - y)
            self._x = x
        super().add(x, y)


SMOOTHING = (0.0, 0.03, 0.1, 0.5)
"""Available memories, in epochs; 0 shows every batch."""
A_POINT = 0.01
"""The share of an epoch that a point counts for where the length of an epoch is unknown."""

USUAL_SMOOTHING = 2


class Noisy(Series):
    """Points and their running means, one for each memory in :data:`SMOOTHING`."""

    def __init__(self, by_point: bool = False) -> None:
        super().__init__()
        self._smooth = [Smooth(memory, by_point=by_point) for memory in SMOOTHING[1:]]

    def add(self, x: float, y: float) -> None:
        super().add(x, y)
        for smooth in self._smooth:
            smooth.add(x, y)

    def smoothed(self, choice: int = USUAL_SMOOTHING) -> tuple[Point, ...]:
        """Return the curve with a memory given by its index in :data:`SMOOTHING`."""
        return self._smooth[choice - 1].points() if choice else self.points()


def value_at(points: Sequence[Point], x: float) -> float | None:
    """Return the y of the last point up to ``x``; None before the first."""
    place = bisect.bisect_right(points, (x, inf))
    return points[place - 1][1] if place else None


def _extremes(points: Sequence[Point]) -> list[Point]:
    """Return the lowest and the highest point in order of x; one point if they are equal."""
    if len(points) < 2:
        return list(points)
    lowest, highest = min(points, key=_VALUE), max(points, key=_VALUE)
    if lowest == highest:
        return [lowest]
    return [lowest, highest] if lowest < highest else [highest, lowest]


_VALUE = itemgetter(1)


BARS = "▁▂▃▄▅▆▇"
"""Eighths of a bar without the full block: lines of bars below each other would run together."""

PLAIN_BARS = "_.-=+*#"
"""The signs of bars for encodings without block characters."""


def sparkline(
    values: Sequence[float],
    width: int,
    encoding: str = "utf-8",
    scale: tuple[float, float] | None = None,
) -> str:
    """Draw the last value of each of ``width`` equal parts in a line of text.

    A value that is not finite leaves a gap. ``scale`` is the range of the bars, by default that of
    the values; lines on one scale can be compared.
    """
    if not values:
        return ""
    count = min(width, len(values))
    points = [values[(number + 1) * len(values) // count - 1] for number in range(count)]
    finite = [point for point in points if math.isfinite(point)]
    low, high = scale or (min(finite, default=0.0), max(finite, default=0.0))
    bars = BARS if _has(encoding, BARS) else PLAIN_BARS
    step = (len(bars) - 1) / (high - low) if high > low else 0.0
    return "".join(
        bars[round((min(max(point, low), high) - low) * step)] if math.isfinite(point) else " "
        for point in points
    )


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
