"""The rows of the builder's list: a network and its report, flattened for reading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cnn_tui.engine.specs.explain import received_by, wanted_output
from cnn_tui.engine.specs.layers import Layer, layer_type
from cnn_tui.engine.specs.network import SVM, Network, Training
from cnn_tui.engine.specs.report import LayerReport, Report
from cnn_tui.tui.edits import Path, number, walk
from cnn_tui.tui.words import clean, times


@dataclass(frozen=True)
class Row:
    """One line of the list; ``path`` is the layer's place, empty for the other kinds."""

    kind: Literal["input", "layer", "loss", "training"]
    title: str
    settings: str = ""
    output: str = ""
    number: str = ""
    path: Path = ()
    params: int = 0
    macs: int = 0
    receptive_field: int | None = None
    broken: bool = False
    """There is no output: this layer does not fit, or one before it."""
    has_issue: bool = False

    @property
    def key(self) -> str:
        """What the row is called as long as it stays where it is."""
        return self.number if self.kind == "layer" else self.kind


def outline(network: Network, report: Report) -> tuple[Row, ...]:
    """Input, layers with what is inside residual blocks, loss, recipe."""
    troubled = {_path(issue.path) for issue in report.issues}
    found = _reports(report.layers)
    rows = []
    for path, layer in walk(network.layers):
        output = found[path].output or (
            wanted_output(layer, received_by(network, report, path)) if path in troubled else ()
        )
        rows.append(_layer_row(path, layer, found[path], times(output), path in troubled))
    return (
        Row("input", "input", clean(network.data), times(network.input), "0"),
        *rows,
        Row("loss", "loss", loss_words(network)),
        Row("training", "recipe", recipe_words(network.training)),
    )


def loss_words(network: Network) -> str:
    """The loss in a few words."""
    loss = network.loss
    if isinstance(loss, SVM):
        return f"{'squared ' if loss.squared else ''}svm, margin {loss.delta:g}"
    smoothing = loss.label_smoothing
    return "softmax" + (f", smoothing {smoothing:g}" if smoothing else "")


def recipe_words(training: Training) -> str:
    """The recipe in a few words."""
    return f"{training.optimizer}, lr {training.lr:g}, {training.epochs} epochs"


def _reports(layers: tuple[LayerReport, ...], above: Path = ()) -> dict[Path, LayerReport]:
    found: dict[Path, LayerReport] = {}
    for position, layer in enumerate(layers):
        found[(*above, position)] = layer
        found |= _reports(layer.branch, (*above, position))
    return found


def _path(place: str) -> Path:
    """``layers[3].branch[1].stride`` as ``(3, 1)``; empty for what is no layer."""
    layers = re.match(r"layers(\[\d+\](?:\.branch\[\d+\])*)", place)
    return tuple(map(int, re.findall(r"\d+", layers[1]))) if layers else ()


_SHORT = {"global_avgpool": "globalavg", "leaky_relu": "leakyrelu"}
"""Types whose names would widen their column at the cost of the settings."""


def _layer_row(path: Path, layer: Layer, report: LayerReport, output: str, has_issue: bool) -> Row:
    return Row(
        kind="layer",
        title=" " * (len(path) - 1) + _SHORT.get(layer_type(layer), layer_type(layer)),
        settings=report.settings,
        output=output,
        number=number(path),
        path=path,
        params=report.params,
        macs=report.macs,
        receptive_field=report.receptive_field,
        broken=report.output is None,
        has_issue=has_issue,
    )
