"""Charts on the terminal of a command. Imports Textual by way of the app's own charts."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from cnn_tui.tui.cli.drawing import in_unicode
from cnn_tui.tui.terminal.filters import to_ascii
from cnn_tui.tui.widgets.chart import ChartPicture, role_of
from cnn_tui.tui.widgets.lines import Line
from cnn_tui.tui.widgets.plot import rasterise
from cnn_tui.tui.words import clean

_STYLES = {
    "accent": "cyan",
    "warn": "yellow",
    "good": "green",
    "strong": "bold",
    "dim": "dim",
    "faint": "dim",
}
_WIDEST = 100


def draw_chart(console: Console, picture: ChartPicture, height: int) -> None:
    """A chart below its title, after an empty line."""
    if picture.plot is None:
        return
    width = min(_WIDEST, console.width)
    canvas = rasterise(picture.plot, width, height)
    rows = [tuple((text, role_of(number)) for text, number in row) for row in canvas]
    draw_lines(console, [picture.title_in(width), *rows])


def draw_lines(console: Console, lines: Iterable[Line]) -> None:
    """Rows as the app has them, after an empty one."""
    console.print()
    for line in lines:
        console.print(_styled(line), soft_wrap=True)


def _styled(line: Line) -> Text:
    drawn = str if in_unicode() else to_ascii
    return Text.assemble(*((drawn(clean(text)), _STYLES.get(role, "")) for text, role in line))
