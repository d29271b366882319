"""``cnn-tui lr-find ARCH``."""

from __future__ import annotations

import sys

import click

from cnn_tui.engine.memory_estimate import check_memory
from cnn_tui.engine.training.lr_finder import STEPS, LrCurve, find_lr
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.loading import load_for
from cnn_tui.tui.cli.option_groups import Computing, Reading, computing, reading
from cnn_tui.tui.cli.output import print_json, print_line
from cnn_tui.tui.dashboard.series import sparkline

_LINES = 10
_WIDTH = 60


@click.command("lr-find")
@click.argument("arch", shell_complete=completing.archs)
@options.data
@reading
@click.option(
    "--steps",
    type=click.IntRange(10, 10_000),
    default=STEPS,
    show_default=True,
    metavar="N",
    help="Steps at most, at rising rates.",
)
@computing
@options.threads
@options.as_json
def command(
    arch: str,
    data: str | None,
    reading: Reading,
    computing: Computing,
    steps: int,
    threads: int,
    as_json: bool,
) -> None:
    """Find a learning rate for ARCH: train a copy at rising rates until the loss rises.

    Keeps nothing, changes nothing (Smith 2017, Cyclical Learning Rates, section 3.3).
    """
    network, dataset, _ = load_for(arch, data, reading, computing.applied)
    check_memory(network)
    curve = find_lr(network, dataset, steps=steps, threads=threads)
    if as_json:
        print_json(curve)
    else:
        _print(curve)


def _print(curve: LrCurve) -> None:
    for point in curve.points[:: max(1, len(curve.points) // _LINES)]:
        print_line(f"lr {point.lr:8.2g}  loss {point.smooth:.4g}")
    losses = [point.smooth for point in curve.points]
    print_line(sparkline(losses, _WIDTH, sys.stdout.encoding or "ascii"))
    if curve.lr is None:
        print_line(f"No suggestion: {curve.reason}")
    else:
        print_line(f"Suggested learning rate {curve.lr:g}: {curve.reason}")
