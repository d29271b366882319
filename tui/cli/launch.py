"""``cnn-tui [ARCH]``: the app, or a plain training where there is no terminal."""

from __future__ import annotations

from pathlib import Path

import click

from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.presets import preset_names, resolve
from cnn_tui.tui.cli.output import has_terminal, print_line

DEFAULT = "digits-convnet"


@click.command()
@click.argument("arch", default=DEFAULT)
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR")
def command(arch: str, data_dir: Path | None) -> int:
    """Open the app on the network ARCH, a preset or a TOML file."""
    network = resolve(arch)
    if not has_terminal():
        return _train(network, data_dir)
    # Here and below: each way loads what it needs, the app no arrays, the training no app.
    from cnn_tui.tui.app import run_app

    return run_app(network, None if arch in preset_names() else Path(arch), data_dir)


def _train(network: Network, data_dir: Path | None) -> int:
    from cnn_tui.engine.runs.places import runs_home
    from cnn_tui.engine.runs.recorder import new_run
    from cnn_tui.engine.training.fit import check_fit
    from cnn_tui.tui.cli.headless import train
    from cnn_tui.tui.cli.loading import load
    from cnn_tui.tui.cli.reporters import report_lines

    print_line(f"cnn-tui: no terminal here to open the app in, so {network.name} is trained:")
    dataset = load(network.data, data_dir, network.input)
    check_fit(network, dataset)
    return train(
        network,
        dataset,
        report_lines,
        keep=lambda control: new_run(
            runs_home(), network, dataset, control=control, data_dir=data_dir
        ),
    )
