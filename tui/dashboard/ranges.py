"""The range of a vertical axis: the usual values, with a mark for what lies beyond its ends."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import inf

from cnn_tui.tui.dashboard.plots import Beyond
from cnn_tui.tui.dashboard.series import Point
from cnn_tui.tui.dashboard.ticks import Axis

_SHARE = 0.1
"""The share of values, at each end, that an axis may leave out."""
_FAR = 2.5
"""An axis leaves them out only if they would make it this many times longer."""
_MOST_MARKS = 3


def usual(x: Axis, *curves: tuple[Point, ...]) -> list[float]:
    """Return the least and greatest usual value of each curve in the visible range.

    The first losses, or a spike, may be ten times as high as all others, which would become a flat
    line.
    """
    ends: list[float] = []
    for points in curves:
        values = sorted(within(x, points))
        if values:
            spare = int(len(values) * _SHARE)
            ends += _trimmed(values[0], values[spare], values[-1 - spare], values[-1])
    return ends


def _trimmed(least: float, low: float, high: float, most: float) -> tuple[float, float]:
    far = _FAR * (high - low)
    return low if high - least > far else least, high if most - low > far else most


def within(x: Axis, *curves: tuple[Point, ...]) -> list[float]:
    """Return the values in the visible range."""
    return [y for points in curves for _, y in points[_visible(x, points)]]


def _visible(x: Axis, points: tuple[Point, ...]) -> slice:
    """Return where the points of a curve, whose x rise, are in the visible range."""
    return slice(bisect_left(points, (x.low, -inf)), bisect_right(points, (x.high, inf)))


def beyond(
    x: Axis, y: Axis, curves: Sequence[tuple[Point, ...]], text: Callable[[float], str]
) -> tuple[Beyond, ...]:
    """Return the peaks that the axis cuts off, those farthest out first, not close together."""
    outside = [
        (max(value - y.high, y.low - value), at, value, number)
        for number, points in enumerate(curves)
        for at, value in points[_visible(x, points)]
        if not y.low <= value <= y.high
    ]
    least = (x.high - x.low) / (_MOST_MARKS + 1)
    kept: list[Beyond] = []
    for _, at, value, number in sorted(outside, reverse=True):
        if len(kept) < _MOST_MARKS and all(abs(at - other.x) >= least for other in kept):
            kept.append(Beyond(at, text(value), value > y.high, number))
    return tuple(kept)
