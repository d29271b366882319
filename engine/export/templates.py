"""First-layer weights as pictures. Notes, Linear Classification, template matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.specs.network import Network

Kind = Literal["class", "unit", "filter"]


@dataclass(frozen=True, eq=False)
class Template:
    """What one output of the first layer looks for."""

    unit: int
    """Its number in the layer, counted from 0."""
    label: str
    """The class that it is of, or speaks for most; empty for a filter, which speaks for none."""
    pixels: NDArray[np.uint8]
    """``(C, H, W)``."""
    weight: Array
    """The same as learned."""


@dataclass(frozen=True, eq=False)
class Templates:
    """The first layer of a network, one picture for each of its outputs.

    Those of a hidden layer come in the order of what they move: the length of their weights times
    that of the weights behind them.
    """

    run: str
    layer: str
    kind: Kind
    """Whether an output is the score of a class, a hidden unit, or a filter."""
    each: tuple[Template, ...]


def first_layer(state: TrainedState) -> Templates:
    """The weights of a network's first layer, if it looks at the image itself.

    Raises:
        RunError: It has no such layer: something in front of it has weights or moves pixels.
    """
    network = state.network
    at, name = _first(network)
    if name is None:
        raise RunError(
            f"No layer of {state.run} that has weights looks at the image itself.",
            "Templates are of a fully connected layer or a convolution in front of all others.",
        )
    weight = state.weights[f"{name}.weight"]
    pictures = templates(weight, weight.shape[1:] if weight.ndim == 4 else network.input)
    kind, labels, order = _meaning(state, at, weight)
    each = (Template(unit, labels[unit], pictures[unit], weight[unit]) for unit in order)
    return Templates(state.run, name, kind, tuple(each))


def templates(weight: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Weights ``(N, C * H * W)`` as pictures ``(N, C, H, W)``, the last three being ``shape``.

    0 is middle grey; light pixels speak for the output, dark ones against it, each picture on a
    scale of its own. What is not finite counts as 0.
    """
    images = np.asarray(weight, np.float32).reshape(len(weight), *shape)
    images = np.nan_to_num(images, posinf=0.0, neginf=0.0)
    largest = np.abs(images).max(axis=(1, 2, 3), keepdims=True)
    return np.rint(127.5 + 127.5 * (images / np.where(largest > 0, largest, 1))).astype(np.uint8)


def _first(network: Network) -> tuple[int, str | None]:
    """Place and name of the first layer with weights, if no layer before moves the pixels."""
    for at, report in enumerate(check(network).layers):
        if isinstance(network.layers[at], FC | Conv):
            return at, report.name
        if tuple(report.output or ()) != network.input or report.weights:
            break
    return 0, None


def _meaning(
    state: TrainedState, at: int, weight: Array
) -> tuple[Kind, Sequence[str], Sequence[int]]:
    """What the outputs of the layer are, the class of each, and the order to show them in."""
    count = len(weight)
    if isinstance(state.network.layers[at], Conv):
        return "filter", [""] * count, range(count)
    behind = _behind(state, at)
    if behind is None:
        return "unit", [""] * count, range(count)
    if not len(behind):
        return "class", state.classes, range(count)
    moved = np.linalg.norm(weight, axis=1) * np.linalg.norm(behind, axis=0)
    labels = [state.classes[label] for label in behind.argmax(axis=0)]
    return "unit", labels, np.argsort(-moved, kind="stable").tolist()


def _behind(state: TrainedState, at: int) -> Array | None:
    """How far each output of a layer raises each class, ``(classes, outputs)``.

    Later fully connected layers are multiplied, what is not linear between them left out. Empty
    if there are none; None if other layers mix the outputs.
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
