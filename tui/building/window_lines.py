"""The window of a conv or a pool on its input, drawn to the pixel."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import prod
from textwrap import wrap

from cnn_tui.engine.shapes import Shape, Window, format_shape
from cnn_tui.engine.specs.layers import FC, Layer, layer_type
from cnn_tui.engine.specs.windows import Windowed, positions, windows
from cnn_tui.tui.building.kinds import role_of
from cnn_tui.tui.rows import Line, Run
from cnn_tui.tui.words import fit

_CAPTIONS = 2


def window_lines(layer: Layer, shape: Shape | None, width: int, height: int) -> list[Line]:
    """Return the first window, the next to its right, and the padding; two columns per pixel.

    Of a large input only the upper left corner; of a layer without a window, words. Nothing if the
    window or its input (``shape``) is unknown.
    """
    if shape is None:
        return []
    if not isinstance(layer, Windowed) or len(shape) != 3:
        return [((line, "dim"),) for line in wrap(_words(layer, shape), max(1, width))]
    try:
        down, across = windows(layer)
    except ValueError:
        return []
    padded = [shape[1] + 2 * down.padding, shape[2] + 2 * across.padding]
    places = positions(layer, shape[1], down), positions(layer, shape[2], across)
    if min(places) < 1:
        return []
    rows, columns = min(padded[0], height - _CAPTIONS), min(padded[1], width // 2)
    drawing = _Drawing(shape, down, across, role_of(layer_type(layer)))
    lines = [drawing.row(y, columns) for y in range(rows)]
    cut = [rows, columns] != padded
    return [*lines, *_captions(drawing, places, cut, width)]


def _words(layer: Layer, shape: Shape) -> str:
    if isinstance(layer, FC):
        return f"No window: every output reads all {prod(shape):,} values of {format_shape(shape)}."
    if layer.info.is_elementwise:
        return f"No window: each of the {prod(shape):,} values by itself."
    return f"No window: it reads the whole of {format_shape(shape)}."


class _Drawing:
    """The pixels of the padded input."""

    def __init__(self, shape: Shape, down: Window, across: Window, role: str) -> None:
        self.shape, self.down, self.across, self.role = shape, down, across, role

    def row(self, y: int, columns: int) -> Line:
        """Return one row of pixels."""
        pixels = [self._pixel(y, x) for x in range(columns)]
        groups = groupby(pixels, key=lambda pixel: pixel[1])
        return tuple(("".join(text for text, _ in group), role) for role, group in groups)

    def _pixel(self, y: int, x: int) -> Run:
        if _reads(self.down, y) and _reads(self.across, x):
            return ("██", self.role)
        if _reads(self.down, y) and _reads(self.across, x - self.across.stride):
            return ("▒▒", self.role)
        _, height, width = self.shape
        inside = 0 <= y - self.down.padding < height and 0 <= x - self.across.padding < width
        return ("· ", "dim") if inside else ("p ", "faint")


def _reads(window: Window, at: int) -> bool:
    """Whether the window at the first position reads a pixel."""
    return 0 <= at < window.span and at % window.dilation == 0


def _captions(drawing: _Drawing, places: tuple[int, int], cut: bool, width: int) -> Iterator[Line]:
    down, across = drawing.down, drawing.across
    stride = f"stride {across.stride}"
    if places[1] < 2:
        stride = "no room for a second"
    padded = "  p pad" if down.padding or across.padding else ""
    yield (
        ("█", drawing.role),
        (" window  ", "dim"),
        ("▒", drawing.role),
        (fit(f" next, {stride}{padded}", max(0, width - 11)), "dim"),
    )
    _, high, wide = drawing.shape
    corner = "corner of " if cut else ""
    words = f"{corner}{high}x{wide}: {format_shape(places)} places"
    yield ((fit(words, width), "dim"),)
