"""First-layer weights as pictures. Notes, Linear Classification, template matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import Network

Kind = Literal["class", "unit", "filter"]


@dataclass(frozen=True, eq=False)
class Template:
    """The weights of one output of the first layer, as a picture."""

    unit: int
    """Index of the output in the layer, counted from 0."""
    label: str
    """The class of the output, or the one it supports most; empty for a filter."""
    image: Array
    """The learned weights of the output as a picture, ``(C, H, W)``."""


@dataclass(frozen=True, eq=False)
class Templates:
    """The first layer of a network, one picture for each of its outputs.

    Hidden units are sorted by their effect: the norm of their weights times the norm of the
    weights that follow.
    """

    run: str
    layer: str
    kind: Kind
    """Whether an output is a class score, a hidden unit or a filter."""
    scale: float
    """The largest finite absolute weight: the common scale of the pictures."""
    each: tuple[Template, ...]


def first_layer(state: TrainedState) -> Templates:
    """Return the templates of the first layer with weights, if its input is the image.

    Raises:
        RunError: if a layer before it has weights or rearranges pixels.
    """
    network = state.network
    at, name = _first(network)
    if name is None:
        raise RunError(
            f"The first layer of {state.run} with weights does not receive the image itself.",
            "Templates need a fully connected layer or a convolution as the first layer.",
        )
    weight = state.weights[f"{name}.weight"]
    shape = weight.shape[1:] if weight.ndim == 4 else network.input
    kind, labels, order = _meaning(state, at, weight)
    each = (Template(unit, labels[unit], weight[unit].reshape(shape)) for unit in order)
    return Templates(state.run, name, kind, scale_of(weight), tuple(each))


def scale_of(weight: Array) -> float:
    """Return the largest absolute weight that is finite, or 1 if all are zero."""
    finite = np.abs(weight[np.isfinite(weight)])
    return float(finite.max(initial=0.0)) or 1.0


def _first(network: Network) -> tuple[int, str | None]:
    """Index and name of the first layer with weights; None if its input is not the image."""
    for at, report in enumerate(check(network).layers):
        if isinstance(network.layers[at], FC | Conv):
            return at, report.name
        if tuple(report.output or ()) != network.input or report.weights:
            break
    return 0, None


def _meaning(
    state: TrainedState, at: int, weight: Array
) -> tuple[Kind, Sequence[str], Sequence[int]]:
    """The kind of the outputs, the class of each, and their order."""
    count = len(weight)
    if isinstance(state.network.layers[at], Conv):
        return "filter", [""] * count, range(count)
    effect = _effect(state, at)
    if effect is None:
        return "unit", [""] * count, range(count)
    if not len(effect):
        return "class", state.classes, range(count)
    moved = np.linalg.norm(weight, axis=1) * np.linalg.norm(effect, axis=0)
    labels = [state.classes[label] for label in effect.argmax(axis=0)]
    return "unit", labels, np.argsort(-moved, kind="stable").tolist()


def _effect(state: TrainedState, at: int) -> Array | None:
    """The linear effect of each output of a layer on each class, ``(classes, outputs)``.

    It is the product of the later fully connected layers, ignoring activations; empty if there
    are none, None if other layers mix the outputs.
    """
    product: Array = np.empty((0, 0), np.float32)
    reports = check(state.network).layers[at + 1 :]
    for layer, report in zip(state.network.layers[at + 1 :], reports, strict=True):
        if isinstance(layer, FC):
            weight = state.weights[f"{report.name}.weight"]
            product = weight @ product if len(product) else weight
        elif not layer.info.is_elementwise:
            return None
    return product
