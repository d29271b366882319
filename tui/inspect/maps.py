"""Feature maps of one image, strongest first; a layer without places as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cnn_tui.engine.insight.maps import Maps, maps
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, paged
from cnn_tui.tui.inspect.sheet import Tile, contact_sheet, draw_sheet
from cnn_tui.tui.rows import Line
from cnn_tui.tui.samples import scale_words
from cnn_tui.tui.terminal.half_blocks import Picture, fitted, lines_of
from cnn_tui.tui.words import clean, count, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject

_INPUT_WIDTH, _LEAST_WIDTH = 18, 56
"""Columns of the image beside its maps, and those of the view from which on it is drawn."""
_BAR = 24


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> MapsSeen:
    """Show the image to the network."""
    return MapsSeen(maps(subject, wanted.layer, wanted.image))


@dataclass(frozen=True, eq=False)
class MapsSeen(Seen):
    """The maps as a sheet beside the image."""

    found: Maps

    @property
    def where(self) -> str:
        return f'"{self.found.target}"' if self.found.target else ""

    @property
    def said(self) -> Sequence[str]:
        found = self.found
        silent = sum(mean == 0 for mean in found.means)
        height, width = found.maps.shape[1:]
        size = f" of {height}x{width}" if (height, width) != (1, 1) else ""
        zero = f"; {silent} {'is' if silent == 1 else 'are'} zero for this image" if silent else ""
        truth = f", which is {'right' if found.predicted == found.target else 'wrong'}"
        return (
            f"{count(len(found.maps), 'map')}{size}{zero}. The network says "
            f'"{found.predicted}"{truth if found.target else ""}.',
            *filter(None, [found.example.note]),
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        if self._is_vector():
            return paged(self._bars(), canvas)
        beside = canvas.width >= _LEAST_WIDTH
        room = replace(canvas, width=canvas.width - _INPUT_WIDTH) if beside else canvas
        drawn = draw_sheet(self._tiles(), room.below(1))
        lines = _beside(self._image(canvas), drawn.lines) if beside else drawn.lines
        order = ", strongest first" if drawn.pages > 1 else ""
        return replace(drawn, lines=[((f" {self._scale(canvas)}{order}", "dim"),), *lines])

    def to_json(self) -> object:
        return self.found.to_json()

    def pixels(self) -> NDArray[np.uint8] | None:
        return None if self._is_vector() else contact_sheet(self._tiles())

    def _is_vector(self) -> bool:
        return self.found.maps.shape[1:] == (1, 1)

    def _scale(self, canvas: Canvas) -> str:
        if self.found.signed:
            return scale_words(1, self.found.scale, canvas.form)
        return f"dark is 0, light is {self.found.scale:.3g}"

    def _tiles(self) -> list[Tile]:
        found = self.found
        draw = partial(Picture, kind="signed" if found.signed else "map", scale=found.scale)
        return [
            Tile(at, draw(found.maps[at : at + 1]), "" if found.means[at] else "zero")
            for at in self.found.strongest_first
        ]

    def _image(self, canvas: Canvas) -> list[Line]:
        pixels = fitted(self.found.example.pictures[0], _INPUT_WIDTH - 2)
        lines = lines_of(Picture(pixels), canvas.form)
        return [*(((" ", ""), *line) for line in lines), ((" the image", "dim"),)]

    def _bars(self) -> list[Line]:
        found = self.found
        values = found.maps[:, 0, 0]
        named = found.classes if len(values) == len(found.classes) else ()
        order = range(len(values)) if named else self.found.strongest_first
        return [_bar(named[at] if named else str(at), values[at], found.scale) for at in order]


def _bar(name: str, value: float, scale: float) -> Line:
    length = round(min(1.0, abs(value) / scale) * _BAR) if np.isfinite(value) else 0
    role = "accent" if value > 0 else "warn"
    return ((f" {fit(clean(name), 12)}", ""), (f"{value:>9.3g} ", "dim"), ("█" * length, role))


def _beside(left: Sequence[Line], right: Sequence[Line]) -> list[Line]:
    """Put rows to the left of others."""
    rows: list[Line] = []
    for at in range(max(len(left), len(right))):
        line = left[at] if at < len(left) else ()
        used = sum(len(text) for text, _ in line)
        rest = right[at] if at < len(right) else ()
        rows.append((*line, (" " * (_INPUT_WIDTH - used), ""), *rest))
    return rows
