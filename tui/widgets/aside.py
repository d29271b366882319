"""What goes into the selected layer: its window on its input, or samples of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from cnn_tui.engine.errors import CnnTuiError, MissingDataError
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.building.block_lines import block_lines
from cnn_tui.tui.building.edits import Path
from cnn_tui.tui.building.window_lines import window_lines
from cnn_tui.tui.rows import Line
from cnn_tui.tui.threads import run_in_thread
from cnn_tui.tui.widgets.lines import Lines
from cnn_tui.tui.words import clean

if TYPE_CHECKING:
    from rich.columns import Columns

_ACROSS = 3
"""Samples side by side."""
_REST = 0.3
"""Seconds that the cursor rests on the input before the data is read."""


Draw = Callable[[int, int], Sequence[Line]]
"""Draws for a width and a height."""


class WindowView(Lines):
    """The window of a layer, or the branches of a block."""

    _draw: Draw | None = None

    def show(self, draw: Draw | None) -> None:
        """Show what a function draws; None for nothing."""
        self._draw = draw
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        return self._draw(width, height) if self._draw else []


class FewSamples(Static):
    """Samples of a dataset, read on a thread once the cursor rests."""

    _wanted: tuple[str, FilePath | None] | None = None

    def show(self, data: str, folder: FilePath | None) -> None:
        """Show a dataset, which is found in ``folder`` or where downloads are."""
        if (data, folder) != self._wanted:
            self._wanted = (data, folder)
            self.update("")
            # After the first paint, which must not wait for NumPy.
            self.call_after_refresh(self.set_timer, _REST, self._read)

    def _read(self) -> None:
        if not self.is_on_screen or self._wanted is None or not self.content_size:
            self._wanted = None
            return
        wanted, size = self._wanted, self.content_size

        def work() -> Columns:
            from cnn_tui.engine.data.catalog import load_few
            from cnn_tui.tui.samples import few_samples, looks_in

            looks = looks_in(self.app, max(4, size.width // _ACROSS - 1))
            most = _ACROSS * max(1, size.height // (looks.side // 2 + 1))
            return few_samples(load_few(*wanted, most), most, looks)

        def drawn(samples: Columns) -> None:
            if wanted == self._wanted and self.is_mounted:
                self.update(samples)

        run_in_thread(self, work, drawn, self._fail)

    def _fail(self, error: CnnTuiError) -> None:
        if self.is_mounted:
            # The hint is for the command line.
            missing = isinstance(error, MissingDataError)
            words = f"{error.message} F5 offers what can be done." if missing else str(error)
            self.update(clean(words))


class Aside(Vertical):
    """The window or the samples, under a title."""

    DEFAULT_CLASSES = "panel"

    def compose(self) -> ComposeResult:
        yield WindowView(id="window")
        yield FewSamples(id="few", markup=False)

    def show_window(self, layer: Layer | None, shape: Shape | None) -> None:
        """Show the window of a layer on its input; nothing without a layer."""
        self._turn("window on the input")
        draw = partial(window_lines, layer, shape) if layer else None
        self.query_one(WindowView).show(draw)

    def show_block(self, network: Network, report: Report, path: Path) -> None:
        """Show the branches of a block."""
        self._turn("branches of the block")
        self.query_one(WindowView).show(partial(block_lines, network, report, path))

    def show_samples(self, data: str, folder: FilePath | None) -> None:
        """Show samples of a dataset."""
        self._turn(f"samples of {clean(data)}", samples=True)
        self.query_one(FewSamples).show(data, folder)

    _title = ""

    def _turn(self, title: str, *, samples: bool = False) -> None:
        if title != self._title:
            self._title, self.border_title = title, Content(title)
            self.set_class(samples, "-samples")
