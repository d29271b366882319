"""Whether a network and a dataset belong together, asked before any work is done."""

from __future__ import annotations

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.errors import DataError, ShapeError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.flow import dims
from cnn_tui.engine.specs.network import Network


def require_match(network: Network, dataset: Dataset) -> None:
    """Refuse images of another size than the input, classes of another number, broken layers.

    Raises:
        DataError: The images do not fit the network's input.
        ShapeError: The layers do not fit each other or the classes.
    """
    if tuple(network.input) != dataset.input_shape:
        received = list(dataset.input_shape)
        raise DataError(
            f"{network.name}: expected images of {dims(network.input)}, but those of "
            f"{dataset.name} are {dims(dataset.input_shape)}.",
            f"Set input = {received} in the architecture, or choose other data.",
        )
    report = check(network, len(dataset.classes))
    if not report.valid:
        issue = report.issues[0]
        place = f"layer {issue.layer}: " if issue.layer else ""
        raise ShapeError(f"{network.name}: {place}{issue.message}")
