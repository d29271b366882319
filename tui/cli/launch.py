"""``cnn-tui [ARCH]``: the app, or a plain training without a terminal."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from pathlib import Path

import click

from cnn_tui.engine.errors import CnnTuiError, DataError, RunError
from cnn_tui.engine.runs.names import DEMO_RUN, runs_home
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import file_of, resolve
from cnn_tui.tui.cli import completing, link_options, options
from cnn_tui.tui.cli.output import has_terminal, print_line
from cnn_tui.tui.history.hangup import OnHangup
from cnn_tui.tui.keymap import use_own_keys
from cnn_tui.tui.terminal.link import Link, prepare

DEFAULT = "digits-convnet"


@click.command()
@click.argument("arch", shell_complete=completing.archs, default=DEFAULT)
@click.option(
    "--demo",
    shell_complete=completing.runs,
    is_flag=False,
    flag_value="",
    metavar="[RUN]",
    help="Play a recorded run, or lines that train --json printed; by default one of the package.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.01, 1000),
    metavar="N",
    help="Play the demo N times as fast. Default: 1.",
)
@click.option("--loop", is_flag=True, help="Play the demo again and again.")
@options.data_dir
@options.on_hangup
@link_options.link
def command(
    arch: str,
    demo: str | None,
    speed: float | None,
    loop: bool,
    data_dir: Path | None,
    on_hangup: OnHangup,
    link: Link,
) -> int:
    """Open the app on the network ARCH, a preset or a TOML file.

    --demo plays a run that was recorded, in real time or faster, and trains and writes nothing.
    """
    if demo is not None:
        return _play(demo, speed or 1.0, loop, link)
    if loop or speed:
        raise click.UsageError("--speed and --loop belong to --demo.")
    network = resolve(arch)
    if not has_terminal():
        return _train(network, data_dir, on_hangup)
    prepare(link, os.environ)
    use_own_keys()
    if data_dir is not None and not data_dir.exists():
        raise DataError(f"{data_dir}: there is no such folder or file.", "Check --data-dir.")
    # Before the app is imported; see run_app.
    gc.disable()
    # Imported late, here and below: the app needs no arrays, the training no app.
    from cnn_tui.tui.cli.app import run_app

    return run_app(network, file_of(arch), data_dir, link, on_hangup=on_hangup)


def _play(demo: str, speed: float, loop: bool, link: Link) -> int:
    from cnn_tui.engine.runs.folder import RunFolder, open_run

    path = Path(demo) if demo else DEMO_RUN
    if not path.exists():
        if path.name != demo or path.suffix == ".jsonl":
            raise RunError(f"There is no file {demo}.", "Give a run, or a file of its events.")
        path = open_run(runs_home(), demo).path
    if not has_terminal():
        raise click.UsageError("--demo needs a terminal; cnn-tui watch RUN prints a run.")
    prepare(link, os.environ)
    use_own_keys()
    gc.disable()
    from cnn_tui.tui.cli.app import run_app
    from cnn_tui.tui.messages import PlayDemo

    network = resolve(DEFAULT)
    # What cannot be read, the app says when it plays it.
    with suppress(CnnTuiError):
        network = RunFolder(path).network()
    return run_app(network, None, link=link, watched=PlayDemo(path, speed, loop=loop))


def _train(network: Network, data_dir: Path | None, on_hangup: OnHangup) -> int:
    from cnn_tui.engine.runs.train import new_run
    from cnn_tui.tui.cli.headless import train
    from cnn_tui.tui.cli.loading import load_compatible
    from cnn_tui.tui.cli.reporters import Reporter

    print_line(f"cnn-tui: no terminal here to open the app in, so {network.name} is trained:")
    network, dataset, data_dir = load_compatible(network, data_dir)
    return train(
        network,
        dataset,
        Reporter(),
        keep=lambda control: new_run(
            runs_home(), network, dataset, control=control, data_dir=data_dir
        ),
        on_hangup=on_hangup,
    )
