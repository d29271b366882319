"""``cnn-tui preflight ARCH``."""

from __future__ import annotations

import click

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.specs.wording import listed
from cnn_tui.engine.training.preflight import preflight
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.loading import load_for
from cnn_tui.tui.cli.option_groups import Computing, Reading, computing, reading
from cnn_tui.tui.cli.output import print_json, print_line

_MARKS = {True: "ok", False: "WRONG", None: "?"}


@click.command("preflight")
@click.argument("arch", shell_complete=completing.archs)
@options.data
@reading
@computing
@options.threads
@options.as_json
def command(
    arch: str,
    data: str | None,
    reading: Reading,
    computing: Computing,
    threads: int,
    as_json: bool,
) -> int:
    """Check, in less than 20 seconds, whether ARCH can be trained on its data.

    Loss and gradients correct, a few images memorised, classes balanced, images normalised: a line
    for each. Exit code 1 if a check fails.
    """
    network, dataset, _ = load_for(arch, data, reading, computing.applied)
    wrong = []
    for result in preflight(network, dataset, threads=threads):
        if as_json:
            print_json(result)
        else:
            print_line(f"{_MARKS[result.passed]:5}  {result.name:13}  {result.message}")
        if result.passed is False:
            wrong.append(result.name)
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        raise CnnTuiError(f"{network.name}: {listed(wrong, 'and')} {verb} wrong.")
    return 0
