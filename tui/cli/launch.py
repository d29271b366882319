"""``cnn-tui [ARCH]``: the app, or a plain training without a terminal."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import click

from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import file_of, resolve
from cnn_tui.tui.cli import completing, link_options, options
from cnn_tui.tui.cli.output import has_terminal, print_line
from cnn_tui.tui.history.continuing import OnHangup
from cnn_tui.tui.keymap import use_own_keys
from cnn_tui.tui.terminal.link import Link, prepare

DEFAULT = "digits-convnet"


@click.command()
@click.argument("arch", shell_complete=completing.archs, default=DEFAULT)
@options.data_dir
@options.on_hangup
@link_options.link
def command(
    arch: str,
    data_dir: Path | None,
    on_hangup: OnHangup,
    link: Link,
) -> int:
    """Open the app on the network ARCH, a preset or a TOML file."""
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


def _train(network: Network, data_dir: Path | None, on_hangup: OnHangup) -> int:
    from cnn_tui.engine.runs.names import runs_home
    from cnn_tui.engine.runs.train import new_run
    from cnn_tui.engine.training.opening import check_compatible
    from cnn_tui.tui.cli.headless import train
    from cnn_tui.tui.cli.loading import load_data
    from cnn_tui.tui.cli.reporters import Reporter

    print_line(f"cnn-tui: no terminal here to open the app in, so {network.name} is trained:")
    network, dataset, data_dir = load_data(network, data_dir)
    check_compatible(network, dataset)
    return train(
        network,
        dataset,
        Reporter(),
        keep=lambda control: new_run(
            runs_home(), network, dataset, control=control, data_dir=data_dir
        ),
        on_hangup=on_hangup,
    )
