"""What the operations of a layer are made from: its place, and the parts of the model so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import DTypeLike

from cnn_tui.engine.layers.base import Op
from cnn_tui.engine.ops.kernel import Mode
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.engine.specs.windows import Windowed, windows


class Placed(NamedTuple):
    """A layer that turns a volume of ``shape`` into one of ``output``."""

    layer: Any
    """The spec; each builder takes one kind."""
    report: LayerReport
    shape: Shape
    output: Shape

    @property
    def name(self) -> str:
        """The name of the layer, with which those of its parameters begin."""
        return self.report.name


@dataclass
class Parts:
    """The parameters and buffers of a network, as its layers are built one after another."""

    mode: Mode
    dtype: DTypeLike
    parameters: list[Parameter] = field(default_factory=list)
    buffers: dict[str, Array] = field(default_factory=dict)
    dropouts: int = 0


Builder = Callable[[Placed, Parts], Iterable[Op]]
"""Makes the operations of a layer, and registers its parameters."""


def geometry_of(layer: Windowed, output: Shape) -> Geometry:
    """The windows of a convolution or pool."""
    kernel, stride, padding, dilation = zip(*windows(layer), strict=True)
    return Geometry(kernel, stride, padding, dilation, (output[1], output[2]))
