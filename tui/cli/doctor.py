"""``cnn-tui doctor``: what this machine, its terminal and its data allow."""

from __future__ import annotations

import click

from cnn_tui.tui.cli import options
from cnn_tui.tui.cli.output import print_json, print_line, print_table
from cnn_tui.tui.findings import findings


@click.command("doctor")
@options.as_json
def command(as_json: bool) -> None:
    """Tell what was found here, and what to do about what is missing."""
    found = list(findings())
    if as_json:
        print_json(found)
        return
    rows = [(one.topic, "ok" if one.ok else "!!", one.found) for one in found]
    styles = ["" if one.ok else "yellow" for one in found]
    print_table(("", "", "found"), rows, wrap=("found",), styles=styles)
    wanting = [one for one in found if one.advice]
    for one in wanting:
        print_line(f"{one.topic}: {one.advice}")
    if all(one.ok for one in found):
        print_line("Nothing is missing.")
