"""One output of a convolution or a pool, term by term.

CS231n notes, Conv Layer (the demo of numpy-like volumes) and Pooling Layer (routing of gradients).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.protocol import OpenedPass
from cnn_tui.engine.specs.layers import AvgPool, Conv, DWConv, MaxPool
from cnn_tui.engine.specs.placed import Placed
from cnn_tui.engine.specs.windows import Windowed, windows


@dataclass(frozen=True, eq=False)
class Step:
    """How a window of the input became one number; arrays are ``(C, KH, KW)``, C those it reads."""

    layer: str
    kind: str
    """``conv``, ``dwconv``, ``maxpool`` or ``avgpool``."""
    source: str
    """Name of the layer whose output it reads; ``input`` for the image."""
    channel: int
    """Filter of a convolution, channel of a pool."""
    position: tuple[int, int]
    """Row and column of the output."""
    size: tuple[int, int]
    """Rows and columns of the output."""
    rows: NDArray[np.int64]
    """Rows of the input that the window reads; outside of the input for padding."""
    columns: NDArray[np.int64]
    first_channel: int
    """First channel of the input that it reads."""
    inputs: Array
    """The numbers in the window; zero for padding."""
    inside: NDArray[np.bool_]
    """``(KH, KW)``: False for padding."""
    factors: Array
    """The weights; for a pool 1 where the largest value is, or one part in the window's size."""
    bias: float
    value: float
    """The output that the network computes."""
    then: tuple[tuple[str, float], ...]
    """The same place after the batch norm and the activation that follow, by their names."""
    gradient: float
    """Gradient of the score of the chosen class by the output."""
    of_class: int

    @property
    def products(self) -> Array:
        """The terms of the sum."""
        return self.inputs * self.factors

    @property
    def total(self) -> float:
        """The sum of the terms and the bias, in float64."""
        return math.fsum(self.products.astype(np.float64).ravel().tolist()) + self.bias

    @property
    def routed(self) -> Array:
        """The share of the output's gradient in the gradients of the numbers in the window."""
        return self.gradient * self.factors * self.inside

    def to_json(self) -> dict[str, object]:
        """The step as plain values."""
        return {
            "layer": self.layer,
            "kind": self.kind,
            "source": self.source,
            "channel": self.channel,
            "position": list(self.position),
            "size": list(self.size),
            "rows": self.rows.tolist(),
            "columns": self.columns.tolist(),
            "inputs": self.inputs.tolist(),
            "inside": self.inside.tolist(),
            "factors": self.factors.tolist(),
            "products": self.products.tolist(),
            "bias": self.bias,
            "total": self.total,
            "value": self.value,
            "then": [{"layer": name, "value": value} for name, value in self.then],
            "of_class": self.of_class,
            "gradient": self.gradient,
            "routed": self.routed.tolist(),
        }


def step(
    subject: Subject,
    inside: OpenedPass,
    layer: str,
    *,
    channel: int = 0,
    position: tuple[int, int] | None = None,
    image: int = 0,
    of_class: int | None = None,
) -> Step:
    """How one output of a layer comes about.

    Args:
        subject: the network.
        inside: the same network, opened on the images.
        layer: name of a convolution or pool.
        channel: filter of a convolution, channel of a pool.
        position: row and column of the output; the one with the largest value if None.
        image: which of the opened images.
        of_class: the class whose score the gradient is of; the highest score if None.

    Raises:
        InsightError: if there is no such layer, channel, position or class.
    """
    spec, source, following = _found(subject, layer)
    output = inside.output(layer)[image]
    row, column = _place(output, layer, channel, position)
    chosen = int(inside.logits[image].argmax()) if of_class is None else of_class
    classes = [chosen] * len(inside.images)
    x = inside.output(source)[image] if source else inside.images[image]
    rows, columns = (
        at * window.stride - window.padding + window.dilation * np.arange(window.kernel)
        for at, window in zip((row, column), windows(spec), strict=True)
    )
    first, count = _reads(spec, channel, len(x), len(output))
    seen = _cut(x[first : first + count], rows, columns)
    within = np.outer((rows >= 0) & (rows < x.shape[1]), (columns >= 0) & (columns < x.shape[2]))
    counted = _counted(spec, within, rows, columns, x)
    return Step(
        layer=layer,
        kind=subject.reports[layer].type,
        source=source or "input",
        channel=channel,
        position=(row, column),
        size=(output.shape[1], output.shape[2]),
        rows=rows,
        columns=columns,
        first_channel=first,
        inputs=seen,
        inside=within,
        factors=_factors(subject, spec, layer, channel, seen, within, counted),
        bias=_bias(subject, layer, channel),
        value=float(output[channel, row, column]),
        then=tuple(
            (name, float(inside.output(name)[image, channel, row, column])) for name in following
        ),
        gradient=float(inside.gradient(layer, classes)[image, channel, row, column]),
        of_class=chosen,
    )


class _Found(NamedTuple):
    layer: Windowed
    source: str
    """Name of the layer before it; empty for the image."""
    following: tuple[str, ...]
    """Names of the layers after it that change single numbers."""


def _found(subject: Subject, layer: str) -> _Found:
    """The convolution or pool of this name, with its neighbours."""
    subject.require_layer(layer)
    found = dict(_windowed(subject.placed, ""))
    if layer not in found:
        kind = subject.reports[layer].type
        raise InsightError(
            f"The layer {layer} is of type {kind}, which has no window to step through.",
            f"Choose {', '.join(found)}." if found else "",
        )
    return found[layer]


def _place(
    output: Array, layer: str, channel: int, position: tuple[int, int] | None
) -> tuple[int, int]:
    """Row and column of the output ``(C, H, W)`` to look at, once they are known to be in it."""
    if not 0 <= channel < len(output):
        raise InsightError(
            f"There is no channel {channel}: {layer} has {len(output)}, counted from 0."
        )
    row, column = position or _largest(output[channel])
    _, height, width = output.shape
    if not (0 <= row < height and 0 <= column < width):
        raise InsightError(
            f"There is no position {row}, {column}: the output of {layer} has {height}x{width}, "
            "counted from 0."
        )
    return row, column


def _windowed(layers: Sequence[Placed], before: str) -> Iterator[tuple[str, _Found]]:
    """Every convolution and pool by name, those inside blocks included."""
    for position, placed in enumerate(layers):
        if isinstance(placed.layer, Windowed):
            following = tuple(_elementwise(layers[position + 1 :]))
            yield placed.name, _Found(placed.layer, before, following)
        for branch in placed.branches:
            yield from _windowed(branch, before)
        before = placed.name


def _elementwise(after: Sequence[Placed]) -> Iterator[str]:
    for placed in after:
        if not placed.layer.info.is_elementwise:
            return
        yield placed.name


def _largest(values: Array) -> tuple[int, int]:
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)


def _reads(spec: Windowed, channel: int, channels: int, filters: int) -> tuple[int, int]:
    """The first channel of the input that a filter or a pool reads, and how many."""
    if isinstance(spec, DWConv):
        return channel // spec.multiplier, 1
    if not isinstance(spec, Conv):
        return channel, 1
    count = channels // spec.groups
    return channel // (filters // spec.groups) * count, count


def _cut(x: Array, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Array:
    """The numbers of a window, zero for padding."""
    above, left = max(0, -rows[0]), max(0, -columns[0])
    below, right = max(0, rows[-1] + 1 - x.shape[1]), max(0, columns[-1] + 1 - x.shape[2])
    padded = np.pad(x, ((0, 0), (above, below), (left, right)))
    return padded[:, rows[:, None] + above, columns + left]


def _factors(
    subject: Subject,
    spec: Windowed,
    layer: str,
    channel: int,
    seen: Array,
    within: NDArray[np.bool_],
    counted: NDArray[np.bool_],
) -> Array:
    match spec:
        case Conv() | DWConv():
            weights: Array = subject.model.parameters[f"{layer}.weight"].data[channel].copy()
            return weights
        case MaxPool():
            # The gradient goes to the first of equal maxima, as in the engine.
            largest = np.where(within, seen[0], -np.inf).argmax()
            return np.eye(1, seen.size, int(largest), dtype=seen.dtype).reshape(seen.shape)
        case AvgPool():
            return np.full_like(seen, 1 / counted.sum())


def _counted(
    spec: Windowed,
    within: NDArray[np.bool_],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    x: Array,
) -> NDArray[np.bool_]:
    """Which places of a window an average pool divides by: those up to the end of the padding."""
    if isinstance(spec, AvgPool) and not spec.count_include_pad:
        return within
    down, across = windows(spec)
    return np.outer(rows < x.shape[1] + down.padding, columns < x.shape[2] + across.padding)


def _bias(subject: Subject, layer: str, channel: int) -> float:
    bias = subject.model.parameters.get(f"{layer}.bias")
    return 0.0 if bias is None else float(bias.data[channel])
