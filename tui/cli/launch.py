"""``cnn-tui [ARCH]``: the app, or a plain training where there is no terminal."""

from __future__ import annotations

from pathlib import Path

import click

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import load_preset, preset_names, resolve
from cnn_tui.tui.cli.output import has_terminal, print_line

DEFAULT = "digits-convnet"


@click.command("open")
@click.argument("arch", required=False)
def command(arch: str | None) -> int:
    """Open the app, with the network ARCH if one is given."""
    network = None if arch is None else resolve(arch)
    if not has_terminal():
        return _train(network or load_preset(DEFAULT))
    from cnn_tui.tui.app import run_app

    return run_app(network, None if arch is None or arch in preset_names() else Path(arch))


def _train(network: Network) -> int:
    from cnn_tui.engine.data.catalog import load_dataset
    from cnn_tui.engine.training.fit import check_fit
    from cnn_tui.tui.cli.headless import train
    from cnn_tui.tui.cli.reporters import report_lines

    print_line(f"cnn-tui: no terminal here to open the app in, so {network.name} is trained:")
    dataset = load_dataset(network.data)
    check_fit(network, dataset)
    return train(network, dataset, report_lines)
