"""The chart of the learning-rate finder: loss against rate on a logarithmic axis."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnn_tui.tui.dashboard.plots import ChartPicture, Curve, Plot
from cnn_tui.tui.dashboard.series import Point
from cnn_tui.tui.dashboard.ticks import Axis, loss_axis, parts_of
from cnn_tui.tui.rows import Run

if TYPE_CHECKING:
    from cnn_tui.engine.training.lr_finder import LrPoint

_HEADROOM = 1.5
"""Multiple of the first loss at the top; a diverged loss would flatten the rest."""
STEP = 0.1
"""The step of the cursor, in decimal logarithms."""


def rates_picture(
    points: Sequence[LrPoint],
    low: float,
    high: float,
    rows: int,
    *,
    suggested: float | None = None,
    cursor: float | None = None,
) -> ChartPicture:
    """Return the raw and smoothed loss, with a mark at the suggestion and a line at the cursor.

    Args:
        points: The steps so far.
        low: The first rate.
        high: The last rate.
        rows: The height of the chart.
        suggested: The suggested learning rate.
        cursor: The rate under the cursor.
    """
    smooth, raw = _logarithmic(points, smooth=True), _logarithmic(points, smooth=False)
    if not smooth:
        return ChartPicture(note="the curve appears here")
    top = _HEADROOM * smooth[0][1]
    y = loss_axis([value for _, value in smooth if value <= top], parts_of(rows))
    x = rates_axis(low, high)
    lr = cursor or suggested
    marks = (math.log10(suggested),) if suggested else ()
    plot = Plot((Curve(smooth),), x, y, math.log10(lr) if lr else None, marks, band=(raw, raw))
    return ChartPicture((_title(smooth, lr), _title(smooth, lr)[:2]), plot)


def rates_axis(low: float, high: float) -> Axis:
    """Return an axis with ticks at the powers of ten from ``low`` to ``high``."""
    left, right = math.log10(low), math.log10(high)
    powers = range(math.ceil(left - 1e-9), math.floor(right + 1e-9) + 1)
    labels = tuple(f"{10.0**power:g}" for power in powers)
    return Axis(left, right, tuple(map(float, powers)), labels, "lr")


def moved(lr: float, steps: int, low: float, high: float) -> float:
    """Return a rate some cursor steps away, in two figures, within the bounds."""
    return min(max(low, float(f"{lr * 10 ** (steps * STEP):.2g}")), high)


def _logarithmic(points: Sequence[LrPoint], *, smooth: bool) -> tuple[Point, ...]:
    values = [(point.lr, point.smooth if smooth else point.loss) for point in points]
    return tuple((math.log10(lr), value) for lr, value in values if math.isfinite(value))


def _title(smooth: Sequence[Point], lr: float | None) -> tuple[Run, ...]:
    if lr is None:
        at, value = "", smooth[-1][1]
    else:
        place = bisect.bisect_left(smooth, (math.log10(lr), -math.inf))
        at, value = f" at {lr:g}", smooth[min(place, len(smooth) - 1)][1]
    return (
        (f" loss{at}", "strong"),
        (f"   smoothed {value:.4g}", "accent"),
        ("   shaded: each step", "dim"),
    )
