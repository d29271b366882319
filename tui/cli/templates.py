"""``cnn-tui templates RUN``: the first-layer weights of a trained network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console

from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.export.templates import Kind, Templates, first_layer
from cnn_tui.engine.runs.folder import open_run
from cnn_tui.engine.shapes import format_shape
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.drawing import SIDE, draw_sheet, looks_on, terminal
from cnn_tui.tui.cli.output import print_json, print_line, print_table
from cnn_tui.tui.samples import template_sheet, template_words


class Line(msgspec.Struct, frozen=True):
    """A line of ``templates --json``."""

    run: str
    layer: str
    kind: Kind
    unit: int
    label: str
    """The class of the template, or the one its unit favours most; empty for a filter."""
    shape: tuple[int, ...]
    """``(C, H, W)``."""
    weight: list[float]
    """Row by row, channel by channel."""


@click.command("templates")
@click.argument("run", shell_complete=completing.runs)
@click.option(
    "--top",
    type=click.IntRange(1, 65_536),
    default=100,
    show_default=True,
    metavar="N",
    help="Templates at most, the strongest first.",
)
@click.option(
    "--state",
    type=click.Choice(["best", "last"]),
    default="best",
    show_default=True,
    help="The checkpoint that is shown.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one template per line as JSON.")
@options.runs_dir
def command(run: str, top: int, state: str, as_json: bool, runs_dir: Path) -> None:
    """Show the first-layer weights of RUN as pictures: templates of classes, units or filters.

    Hidden units are sorted by strength, each with the class that it favours most. In a pipe each
    weight is a line instead of a picture.
    """
    templates = first_layer(
        read_state(open_run(runs_dir, run), "best" if state == "best" else "last")
    )
    console = terminal()
    if as_json:
        for line in _lines(templates, top):
            print_json(line)
        return
    looks = looks_on(console or Console(), SIDE)
    print_line(f"{templates.run}, {template_words(templates, looks.form)}")
    if console:
        draw_sheet(console, template_sheet(templates, looks, top))
    else:
        _print_list(templates, top)


def _lines(templates: Templates, top: int) -> Iterator[Line]:
    for template in templates.each[:top]:
        weight = [float(value) for value in template.image.ravel()]
        shape = template.image.shape
        yield Line(
            templates.run,
            templates.layer,
            templates.kind,
            template.unit,
            template.label,
            shape,
            weight,
        )


def _print_list(templates: Templates, top: int) -> None:
    header = ("unit", "class", "shape", "least", "largest")
    rows = [
        (
            str(template.unit),
            template.label,
            format_shape(template.image.shape),
            f"{template.image.min():.3g}",
            f"{template.image.max():.3g}",
        )
        for template in templates.each[:top]
    ]
    print_table(header, rows, right=("unit", "least", "largest"))
