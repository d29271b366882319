"""The headings of charts, which are their legends as well, from long to short."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cnn_tui.tui.dashboard.series import Point, value_at
from cnn_tui.tui.dashboard.viewport import Viewport
from cnn_tui.tui.rows import Line, Run

EARLIER_GLYPHS = ".:'~*"
"""Glyphs of other runs, so that colour is not the only difference."""


@dataclass(frozen=True)
class Named:
    """A curve, and how its value is written with a number of digits."""

    name: str
    points: tuple[Point, ...]
    form: Callable[[float, int], str]
    role: str
    glyph: str = ""

    def text(self, cursor: float | None, digits: int) -> str:
        """Return the newest value, or that at the cursor."""
        value = value_at(self.points, math.inf if cursor is None else cursor)
        return "-" if value is None else self.form(value, digits)


class _Level(NamedTuple):
    digits: int
    gap: str
    words: bool = False
    """Whether smoothing and scale are written in words."""
    curves: int = 2
    """The number of curves; those after the second have a panel of their own."""
    runs: bool = False
    smoothing: bool = True


_LEVELS = (
    _Level(4, "   ", words=True, curves=9, runs=True),
    _Level(4, "  ", words=True, curves=9, runs=True),
    _Level(4, "  ", curves=9, runs=True),
    _Level(4, "  ", runs=True),
    _Level(4, " ", runs=True),
    _Level(4, "  "),
    _Level(4, " "),
    _Level(3, " "),
    _Level(2, " "),
    _Level(2, " ", smoothing=False),
)


def _position(cursor: float) -> str:
    """An epoch with its parts, or a step of a long run."""
    return f"{cursor:,.0f}" if cursor >= _MANY else f"{cursor:.2f}"


_MANY = 1000


def titles(
    name: str,
    curves: Sequence[Named],
    lens: Viewport,
    earlier: Iterable[str] = (),
    smoothed: tuple[str, str] = ("", ""),
    scale: str = "",
) -> tuple[Line, ...]:
    """Return headings from long to short: numbers are shortened before a word is left out.

    Args:
        name: What the curves are.
        curves: The run's own, the most important ones first.
        lens: With the cursor, at which the values are those shown.
        earlier: Names of the other runs.
        smoothed: The smoothing in words, and shorter.
        scale: The range of the axis.
    """

    def heading(level: _Level) -> Iterator[Run]:
        yield f" {name}", "strong"
        yield f" {scale}" if scale and level.words else "", "dim"
        yield "" if lens.cursor is None else f" at {_position(lens.cursor)}", "strong"
        for curve in curves[: level.curves]:
            label = " ".join(filter(None, (curve.name, curve.glyph)))
            yield f"{level.gap}{label} " if label else level.gap, "dim"
            yield curve.text(lens.cursor, level.digits), curve.role
        words = smoothed[not level.words]
        yield f"{level.gap}{words}" if words and level.smoothing else "", "dim"
        if level.runs:
            for other, glyph in zip(earlier, EARLIER_GLYPHS, strict=False):
                yield f"{level.gap}{other} {glyph}", "dim"

    return tuple(tuple(run for run in heading(level) if run[0]) for level in _LEVELS)
