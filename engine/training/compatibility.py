"""Whether a network and a dataset belong together."""

from __future__ import annotations

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network


def check_compatible(network: Network, dataset: Dataset) -> None:
    """Refuse a network that has issues, or that does not fit the images and classes.

    Raises:
        ShapeError: with what was expected and what was received.
    """
    if network.input != dataset.input_shape:
        expected, received = map(format_shape, (network.input, dataset.input_shape))
        raise ShapeError(
            f"the network {network.name} takes images of {expected}, those of {dataset.name} are "
            f"{received}.",
            f"Set input = {list(dataset.input_shape)}, or choose other data.",
        )
    report = check(network, classes=len(dataset.classes))
    if not report.valid:
        raise ShapeError(report.issues[0].message)
