"""The input of the selected layer: its window on it, or samples of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path as FilePath
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip

from cnn_tui.engine.errors import CnnTuiError, MissingDataError
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.building.block_lines import block_lines
from cnn_tui.tui.building.edits import Path
from cnn_tui.tui.building.window_lines import window_lines
from cnn_tui.tui.rows import Line
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.lines import Lines
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from rich.columns import Columns

_ACROSS = (3, 2)
"""Samples side by side: the number of which more of the panel is filled."""
_REST = 0.3
"""Seconds that the cursor rests on the input before the data is read."""


Draw = Callable[[int, int], Sequence[Line]]
"""Draws for a width and a height."""


class Aside(Lines):
    """The window or the samples, under a title.

    One widget draws both: to hide one for the other lays out the screen, of which each key that
    leaves the row of the input took 16 ms more.
    """

    DEFAULT_CLASSES = "panel"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._draw: Draw = self._said
        self._data: tuple[str, FilePath | None] | None = None
        """The dataset whose samples are shown, or will be."""
        self._words = ""
        self.samples: Columns | None = None
        """The pictures, once they are read."""
        self._arranged = (0, 0)
        """How the pictures are arranged."""
        self._pictures: list[Strip] = []
        self._pictures_for: tuple[Size, Style] | None = None

    def show_window(self, layer: Layer, shape: Shape | None) -> None:
        """Show the window of a layer on its input."""
        self._turn("window on the input", partial(window_lines, layer, shape))

    def show_block(self, network: Network, report: Report, path: Path) -> None:
        """Show the branches of a block."""
        self._turn("branches of the block", partial(block_lines, network, report, path))

    def show_samples(self, data: str, folder: FilePath | None) -> None:
        """Show samples of a dataset, found in ``folder`` or where downloads are.

        They are read on a thread once the cursor rests.
        """
        self._turn(f"samples of {clean(data)}", self._said)
        if (data, folder) != self._data:
            self._data, self._words, self.samples = (data, folder), "reading...", None
            # After the first paint, which must not wait for NumPy.
            self.call_after_refresh(self.set_timer, _REST, self._read)

    def on_resize(self, event: events.Resize) -> None:
        """Read the samples again if others fit now."""
        if self.samples is not None and arranged(self.content_size) != self._arranged:
            self._read()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return self._draw(width, height)

    def render_line(self, y: int) -> Strip:
        if self._draw != self._said or self.samples is None:
            return super().render_line(y)
        size, style = self.content_size, self._style("dim")
        if self._pictures_for != (size, style):
            options = self.app.console.options.update_dimensions(*size)
            rows = self.app.console.render_lines(self.samples, options, style=style)
            self._pictures = [Strip(row, size.width) for row in rows]
            self._pictures_for = (size, style)
        return self._pictures[y]

    def _said(self, width: int, height: int) -> list[Line]:
        return [((line, "dim"),) for line in wrap(self._words, width)]

    def _turn(self, title: str, draw: Draw) -> None:
        turned = title != self._title
        if turned:
            self._title, self.border_title = title, Content(title)
        self._draw = draw
        self._show(whole=turned)

    def _show(self, *, whole: bool) -> None:
        if whole:
            self._rows = []
        self.redraw()

    def _read(self) -> None:
        if self._draw != self._said or self._data is None or not self.content_size:
            self._data = None
            return
        wanted, size = self._data, self.content_size
        self._arranged = arranged(size)

        def work() -> Columns:
            from cnn_tui.engine.data.catalog import load_few
            from cnn_tui.tui.samples import few_samples, looks_in

            across, side = arranged(size)
            most = across * _rows(side, size)
            return few_samples(load_few(*wanted, most), most, looks_in(self.app, side))

        def drawn(samples: Columns) -> None:
            if wanted == self._data:
                self.samples, self._pictures_for = samples, None
                self._show(whole=True)

        run_in_thread(self, work, drawn, self._fail)

    def _fail(self, error: CnnTuiError) -> None:
        # The hint is for the command line.
        missing = isinstance(error, MissingDataError)
        self._words = clean(
            error.message + keyed(" {build.train} offers what can be done.")
            if missing
            else str(error)
        )
        self._show(whole=True)


def arranged(size: Size) -> tuple[int, int]:
    """Return how many samples stand side by side, and the columns of each."""
    # No wider than what is as high as the panel, which would cut the rest and the names.
    tallest = 2 * (size.height - 1)
    ways = [(across, max(4, min(tallest, size.width // across - 1))) for across in _ACROSS]
    return max(ways, key=lambda way: way[0] * way[1] ** 2 * _rows(way[1], size))


def _rows(side: int, size: Size) -> int:
    return max(1, size.height // (side // 2 + 1))
