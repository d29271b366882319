"""A chart as data: curves in a pair of axes under a heading."""

from __future__ import annotations

from dataclasses import dataclass

from cnn_tui.tui.dashboard.series import Point
from cnn_tui.tui.dashboard.ticks import Axis
from cnn_tui.tui.rows import Line


@dataclass(frozen=True)
class Curve:
    """Points in order of x; a curve with a ``glyph`` shows it at each point, if there is room.

    Of points that are not ``joined`` each is shown, as its glyph alone.
    """

    points: tuple[Point, ...]
    glyph: str = ""
    joined: bool = True
    look: int | None = None
    """The number whose colour it has; None for its own place among the curves."""


@dataclass(frozen=True)
class Plot:
    """Curves in one pair of axes; points outside are cut off at the edge."""

    curves: tuple[Curve, ...]
    x: Axis
    y: Axis
    cursor: float | None = None
    """Where a vertical line is drawn."""
    marks: tuple[float, ...] = ()
    """Where the horizontal axis is marked."""
    spreads: tuple[tuple[float, float, float], ...] = ()
    """Vertical bars below the curves: x, lower and upper end."""


ROLES = ("accent", "warn", "faint", "good", "dim")
"""Looks of the curves in their order."""


@dataclass(frozen=True)
class ChartPicture:
    """A heading and what is below it; without a plot, words about why."""

    title: Line = ()
    short_title: Line = ()
    """For a chart in which the title has no room."""
    plot: Plot | None = None
    note: str = ""

    def title_in(self, width: int) -> Line:
        """The title if there is room for it, else the shorter one, or as much of that as fits."""
        title = self.title if _columns(self.title) <= width else self.short_title
        while _columns(title) > width and len(title) > 1:
            title = title[:-2]  # a label without its value says nothing
        return title


def _columns(title: Line) -> int:
    return sum(len(text) for text, _ in title)
