"""Pictures on the terminal of a command; nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.columns import Columns
from rich.console import Console

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.export.templates import first_layer
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.specs.wording import plain
from cnn_tui.tui.cli.output import paints
from cnn_tui.tui.samples import Looks, template_sheet, template_words

SIDE = 14
"""Longest side of a picture, in characters."""


def terminal() -> Console | None:
    """Standard output as a terminal, if it is one that can paint."""
    return Console() if paints(sys.stdout) else None


def looks_on(console: Console, side: int) -> Looks:
    """How pictures are drawn there."""
    return Looks(side, plain=not in_unicode() or console.color_system is None or console.no_color)


def draw_sheet(console: Console, sheet: Columns) -> None:
    """Pictures in rows, after an empty line."""
    console.print()
    console.print(sheet)


def draw_templates(console: Console, root: Path, run: str, most: int) -> None:
    """Pictures of a run's first-layer weights; of one that has none to show a word why."""
    try:
        found = first_layer(read_state(open_run(root, run)))
    except CnnTuiError as error:
        console.print(f"\n{plain(str(error))}", markup=False)
        return
    console.print(f"\n{plain(f'{run}, {template_words(found)}')}", markup=False)
    draw_sheet(console, template_sheet(found, looks_on(console, SIDE), most))


def in_unicode() -> bool:
    """Whether standard output takes more than ASCII."""
    return "utf" in (sys.stdout.encoding or "").lower()
