"""PReLU and layer scale: learned factors of channels."""

from __future__ import annotations

from cnn_tui.engine.layers.base import Op, ShardedOp
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.ops.scale import LayerScaleKernel, PReLUKernel
from cnn_tui.engine.parameters import Parameter


class FactorOp(ShardedOp):
    """An operation with a factor for each channel, or one for all."""

    def __init__(self, name: str, weight: Parameter, kind: type[LayerScaleKernel]) -> None:
        self.name, self.weight, self.kind = name, weight, kind

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        y = shard.arena.allocate(x.shape, halo)
        shard.arena.inherit_halo(y, x)
        dweight = self.weight.part_of(shard.grads)
        return self.kind(x, y, self.weight.storage, dweight, shard.arena)


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
    weight = Parameter(f"{placed.name}.weight", (size,), (0,), "scale", initial=initial)
    parts.parameters.append(weight)
    return FactorOp(placed.name, weight, kind)
