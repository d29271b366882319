"""A fully connected network of as many parameters as a ConvNet, trained beside it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.states import BEST
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.train_once import train_once
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, ReLU
from cnn_tui.engine.specs.network import Network


def fully_connected(network: Network) -> Network:
    """A two-layer network with as many parameters as ``network``, and its recipe.

    Raises:
        InsightError: if fewer parameters than a single hidden unit takes are to be had.
    """
    report = check(network)
    inputs = network.input[0] * network.input[1] * network.input[2]
    scores = report.layers[-1].output or [0]
    hidden = round((report.total_params - scores[0]) / (inputs + 1 + scores[0]))
    if hidden < 1:
        raise InsightError(
            f"A fully connected network for images of {format_shape(network.input)} has more "
            f"parameters than the {report.total_params:,} of this one, even with one hidden unit.",
        )
    layers = (FC(out_features=hidden), ReLU(), FC(out_features=scores[0]))
    return msgspec.structs.replace(
        network, name=f"{network.name or 'network'}-fc", description="", layers=layers
    )


def trained(
    network: Network,
    data: Dataset,
    root: Path,
    *,
    data_dir: Path | None,
    note: str,
    watcher: Watcher,
) -> Subject:
    """The network of the completed run of these data in ``root``, trained first if need be.

    Raises:
        CancelledError: if ``watcher`` cancels; the run can be resumed.
        CnnTuiError: if the training fails.
    """
    folder = train_once(root, network, data, data_dir=data_dir, note=note, watcher=watcher)
    if folder is None:
        raise CancelledError
    state = read_state(folder)
    return Subject(
        network=state.network,
        model=state.model(),
        name=folder.name,
        state=BEST,
        classes=state.classes,
        eye=Eye(state.normalizer, state.peak, state.network.training.resize),
        data=data,
    )
