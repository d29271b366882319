"""Pictures and charts of commands, drawn only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from rich.columns import Columns
from rich.console import Console
from rich.text import Text

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.export.templates import first_layer
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.specs.wording import plain
from cnn_tui.tui.cli.output import paints
from cnn_tui.tui.dashboard.plots import ChartPicture
from cnn_tui.tui.rows import Line
from cnn_tui.tui.samples import Looks, template_sheet, template_words
from cnn_tui.tui.terminal.filters import to_ascii
from cnn_tui.tui.words import clean

SIDE = 14
"""Longest side of a picture, in characters."""


def terminal() -> Console | None:
    """Return standard output as a console if it can show styles, else None."""
    return Console() if paints(sys.stdout) else None


def looks_on(console: Console, side: int) -> Looks:
    """Return how pictures are drawn on a console."""
    return Looks(side, plain=not in_unicode() or console.color_system is None or console.no_color)


def draw_sheet(console: Console, sheet: Columns) -> None:
    """Print pictures in rows, after an empty line."""
    console.print()
    console.print(sheet)


def draw_templates(console: Console, root: Path, run: str, most: int) -> None:
    """Print a run's first-layer weights as pictures, or why there are none."""
    try:
        templates = first_layer(read_state(open_run(root, run)))
    except CnnTuiError as error:
        console.print(f"\n{plain(str(error))}", markup=False)
        return
    console.print(f"\n{plain(f'{run}, {template_words(templates)}')}", markup=False)
    draw_sheet(console, template_sheet(templates, looks_on(console, SIDE), most))


def in_unicode() -> bool:
    """Whether standard output can encode more than ASCII."""
    return "utf" in (sys.stdout.encoding or "").lower()


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
    """Print a chart below its title, after an empty line."""
    if picture.plot is None:
        return
    # This imports Textual, so only where a chart is drawn.
    from cnn_tui.tui.widgets.chart import rasterise, role_of

    width = min(_WIDEST, console.width)
    canvas = rasterise(picture.plot, width, height, tinted=False)
    rows = [tuple((text, role_of(number)) for text, number in row) for row in canvas]
    draw_lines(console, [picture.title_in(width), *rows])


def draw_lines(console: Console, lines: Iterable[Line]) -> None:
    """Print rows of the app's widgets, after an empty line."""
    console.print()
    for line in lines:
        console.print(_styled(line), soft_wrap=True)


def _styled(line: Line) -> Text:
    drawn = str if in_unicode() else to_ascii
    return Text.assemble(*((drawn(clean(text)), _STYLES.get(role, "")) for text, role in line))
