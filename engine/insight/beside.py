"""A fully connected network of as many parameters as a ConvNet, trained beside it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, ReLU
from cnn_tui.engine.specs.network import Network

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]


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


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Report the progress of a part of the work as that of the whole."""
    return lambda share: progress(start + (end - start) * share)
