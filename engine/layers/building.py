"""The arguments of a layer's builder: the layer with its shapes, and the model built so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from numpy.typing import DTypeLike

from cnn_tui.engine.layers.base import Op
from cnn_tui.engine.ops.kernel import Mode
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.ops.patches import Geometry
from cnn_tui.engine.parameters import Parameter, ParameterStore
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.placed import Placed as Placed
from cnn_tui.engine.specs.windows import Windowed, windows


@dataclass
class Parts:
    """The parameters and buffers of a network, collected while its layers are built in order."""

    mode: Mode
    dtype: DTypeLike
    kept: bool = False
    """Whether every operation keeps its output and gradient, in the order of the layers."""
    parameters: list[Parameter] = field(default_factory=list)
    buffers: dict[str, Array] = field(default_factory=dict)
    dropouts: int = 0


class Operations(NamedTuple):
    """A network as operations, with its parameters and buffers, not yet bound to a batch."""

    ops: Sequence[Op]
    store: ParameterStore
    buffers: dict[str, Array]
    mode: Mode
    shapes: dict[str, Shape]
    """The output of each layer by name, those inside blocks included."""
    input_shape: tuple[int, int, int]
    largest_activation: int
    macs: int
    """Multiply-adds of one image, forward."""
    frozen: int = 0
    """Number of operations at the beginning that training leaves as they are."""


Builder = Callable[[Placed, Parts], Iterable[Op]]
"""A function that makes the operations of a layer and registers its parameters."""


def geometry_of(layer: Windowed, output: Shape) -> Geometry:
    """The geometry of a convolution or pool with this output."""
    kernel, stride, padding, dilation = zip(*windows(layer), strict=True)
    return Geometry(kernel, stride, padding, dilation, (output[1], output[2]))
