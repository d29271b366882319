"""``cnn-tui reproduce RUN``."""

from __future__ import annotations

from pathlib import Path

import click

from cnn_tui.engine.runs.compare import compare_runs
from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.recorder import Policy, Recorder
from cnn_tui.engine.runs.reproduction import plan_again
from cnn_tui.engine.runs.train import data_folder, new_run
from cnn_tui.engine.training.control import Control
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.compare import print_comparison
from cnn_tui.tui.cli.headless import train
from cnn_tui.tui.cli.loading import load_compatible
from cnn_tui.tui.cli.reporters import reporter
from cnn_tui.tui.history.hangup import OnHangup


@click.command("reproduce")
@click.argument("run", shell_complete=completing.runs)
@click.option(
    "--set",
    "change",
    metavar="NAME=VALUE",
    help="Change one value, such as lr=0.01 or layers[0].out_channels=32.",
)
@options.threads
@options.moved_data
@options.log_every
@options.checkpoint_every
@options.runs_dir
@options.on_hangup
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
def command(
    run: str,
    change: str | None,
    threads: int,
    data_dir: Path | None,
    log_every: float | None,
    checkpoint_every: int | None,
    runs_dir: Path,
    on_hangup: OnHangup,
    as_json: bool,
) -> int:
    """Train RUN again from its beginning, as a run of its own.

    Unchanged, it must produce the same bits, and the last line says whether it did; with one value
    changed, how the two compare. Changes made while RUN was training are made again after the same
    steps.
    """
    folder = open_run(runs_dir, run)
    network, again = plan_again(folder, _pair(change))
    _, dataset, _ = load_compatible(network, data_folder(folder, data_dir), skip_damaged=True)
    policy, place = Policy(steps=checkpoint_every), data_folder(folder, data_dir)
    repeated: list[RunFolder] = []

    def keep(control: Control) -> Recorder:
        recorder = new_run(
            runs_dir, network, dataset, control=control, data_dir=place, policy=policy, again=again
        )
        repeated.append(RunFolder(Path(recorder.path)))
        return recorder

    report = reporter(as_json=as_json, log_every=log_every)
    code = train(network, dataset, report, threads, keep, on_hangup=on_hangup)
    if code == 0 and again.setting and not as_json:
        print_comparison(compare_runs([folder, *repeated]))
    return code


def _pair(change: str | None) -> tuple[str, str] | None:
    if change is None:
        return None
    name, equals, value = (part.strip() for part in change.partition("="))
    if name and equals and value:
        return name, value
    raise click.BadParameter(f"expected NAME=VALUE, received {change!r}.", param_hint="--set")
