"""Layers without parameters: activations, dropout, pooling, response normalisation."""

from __future__ import annotations

from collections.abc import Callable

from cnn_tui.engine.layers.base import ShardedOp
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import Array, Padding
from cnn_tui.engine.ops.patches import Geometry

MakeElementwise = Callable[[Array, Array, Shard], Kernel]
MakePool = Callable[[Array, Array, Geometry, Shard], Kernel]


class ElementwiseOp(ShardedOp):
    """An operation whose output has the shape of its input."""

    def __init__(
        self,
        name: str,
        make: MakeElementwise,
        *,
        in_place: bool = False,
        keeps_y: bool = False,
        monotone: bool = False,
    ) -> None:
        self.name, self.make, self.in_place = name, make, in_place
        self.keeps_y, self.monotone = keeps_y, monotone

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, frame: Padding) -> Kernel:
        y = x if overwrite and self.in_place else shard.memory.keep(x.shape, frame)
        shard.memory.inherit(y, x)
        return self.make(x, y, shard)


class PoolOp(ShardedOp):
    """Pooling over windows."""

    def __init__(self, name: str, make: MakePool, geometry: Geometry, *, keeps_y: bool) -> None:
        self.name, self.make, self.geometry, self.keeps_y = name, make, geometry, keeps_y

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, frame: Padding) -> Kernel:
        out_h, out_w = self.geometry.output
        y = shard.memory.keep((out_h, x.shape[1], out_w, shard.size), frame)
        return self.make(x, y, self.geometry, shard)
