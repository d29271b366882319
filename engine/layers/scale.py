"""PReLU and layer scale: learned factors of channels."""

from __future__ import annotations

from cnn_tui.engine.layers.base import Op
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.layers.simple import ElementwiseOp
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.ops.scale import LayerScaleKernel, PReLUKernel
from cnn_tui.engine.parameters import Parameter


def prelu_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A PReLU with slopes ``weight (C,)``, or ``(1,)``."""
    slopes = placed.shape[0] if placed.layer.per_channel else 1
    return [_factor_op(placed, parts, slopes, placed.layer.init, PReLUKernel)]


def layer_scale_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A layer scale with factors ``weight (C,)``."""
    initial = placed.layer.init_value
    return [_factor_op(placed, parts, placed.shape[0], initial, LayerScaleKernel)]


def _factor_op(
    placed: Placed, parts: Parts, size: int, initial: float, kind: type[LayerScaleKernel]
) -> Op:
    """An operation with a factor for each channel, or one for all."""
    weight = Parameter(f"{placed.name}.weight", (size,), (0,), "scale", initial=initial)
    parts.parameters.append(weight)

    def make(x: Array, y: Array, shard: Shard) -> Kernel:
        return kind(x, y, weight.storage, weight.part_of(shard.grads), shard.arena)

    return ElementwiseOp(placed.name, make)
