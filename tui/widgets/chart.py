"""A live chart: drawn at most as often as it is told to, sent only where it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.reactive import var

from cnn_tui.tui.widgets.lines import Line, Lines
from cnn_tui.tui.widgets.plot import MARKED, Plot, Rasteriser, rasterise

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


class Chart(Lines):
    """Knows nothing of training: it is given a picture."""

    picture: var[ChartPicture] = var(ChartPicture(), init=False)

    def __init__(self, *, id: str | None = None, rasteriser: Rasteriser = rasterise) -> None:
        super().__init__(id=id)
        self._rasterise = rasteriser

    def watch_picture(self) -> None:
        """Draw; an equal picture does not get here."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Heading and curves."""
        plot, title = self.picture.plot, self.picture.title_in(width)
        if plot is None or width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
            blank: list[Line] = [()] * max(0, height // 2 - 1)
            return [title, *blank, ((self.picture.note.center(width), "dim"),)]
        canvas = self._rasterise(plot, width, height - 1)
        roles = [role_of(at if c.look is None else c.look) for at, c in enumerate(plot.curves)]
        return [title, *(_styled(row, roles) for row in canvas)]


def _columns(title: Line) -> int:
    return sum(len(text) for text, _ in title)


def _styled(row: list[tuple[str, int]], roles: Sequence[str]) -> Line:
    return tuple(
        (text, roles[number] if 0 <= number < len(roles) else role_of(number))
        for text, number in row
    )


def role_of(number: int) -> str:
    """The look of a curve by its number in a canvas."""
    if number == MARKED:
        return "strong"
    return ROLES[number % len(ROLES)] if number >= 0 else "dim"


_LEAST_WIDTH = 16
_LEAST_HEIGHT = 5
