"""A chart as data: curves in a pair of axes under a heading."""

from __future__ import annotations

from dataclasses import dataclass

from cnn_tui.tui.dashboard.series import Point
from cnn_tui.tui.dashboard.ticks import Axis
from cnn_tui.tui.rows import Line


@dataclass(frozen=True)
class Curve:
    """Points in order of x; a ``glyph`` marks each point, if there is room.

    Points that are not ``joined`` are drawn as glyphs alone.
    """

    points: tuple[Point, ...]
    glyph: str = ""
    joined: bool = True
    look: int | None = None
    """The number of its colour; None for its position among the curves."""
    sparse: bool = False
    """Whether the curve has few glyphs, as one that says little."""
    names: bool = False
    """Whether its glyphs tell it from others instead of marking its points: each curve of these
    has them in places of its own."""


@dataclass(frozen=True)
class Beyond:
    """A peak that an axis cuts off: an arrow at the edge, with its value."""

    x: float
    text: str
    above: bool
    curve: int


@dataclass(frozen=True)
class Plot:
    """Curves in one pair of axes; points outside are cut off at the edge."""

    curves: tuple[Curve, ...]
    x: Axis
    y: Axis
    cursor: float | None = None
    """The x of a vertical line."""
    marks: tuple[float, ...] = ()
    """Positions marked on the horizontal axis."""
    spreads: tuple[tuple[float, float, float], ...] = ()
    """Vertical bars below the curves: x, lower and upper end."""
    band: tuple[tuple[Point, ...], tuple[Point, ...]] = ((), ())
    """The lower and the upper end of the range behind the curves; the same points may be both."""
    beyond: tuple[Beyond, ...] = ()


TINT = 1000
"""Added to the number of a curve in the cells whose ground is the band."""

ROLES = ("accent", "warn", "faint", "good", "dim", "strong", "error")
"""Roles of the curves, in order."""


@dataclass(frozen=True)
class ChartPicture:
    """A heading and a plot; without a plot, a note that says why."""

    titles: tuple[Line, ...] = ()
    """The heading, then ever shorter ones."""
    plot: Plot | None = None
    note: str = ""

    def title_in(self, width: int) -> Line:
        """Return the first heading that fits, else the shortest, cut between two of its parts."""
        for title in self.titles:
            if _columns(title) <= width:
                return title
        title = self.titles[-1] if self.titles else ()
        while _columns(title) > width and len(title) > 1:
            title = title[:-2]  # a label without its value says nothing
        return title


def _columns(title: Line) -> int:
    return sum(len(text) for text, _ in title)
