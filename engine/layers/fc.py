"""The fully connected layer."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np

from cnn_tui.engine.layers.base import Op, PlannedOp, ShardedOp, Stage
from cnn_tui.engine.layers.building import Parts, Placed
from cnn_tui.engine.layers.conv import bias_ops
from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.linear import FlattenKernel, LinearKernel
from cnn_tui.engine.ops.memory import Array, Padding, aligned_empty
from cnn_tui.engine.parameters import Parameter

BLOCKS = 8
"""Blocks that a large matrix is cut into; fixed, so that threads cannot change a bit."""


class FlattenOp(ShardedOp):
    """Flattening of ``C x H x W`` to a vector, in PyTorch's order."""

    def __init__(self, name: str) -> None:
        self.name = name

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        features = math.prod(x.shape[:3])
        return FlattenKernel(x, shard.arena.allocate((1, features, 1, shard.size)))


class LinearOp(ShardedOp):
    """``weight @ x`` by shard, for weights that are small compared with the activations."""

    def __init__(self, name: str, weight: Parameter) -> None:
        self.name, self.weight = name, weight

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        y = shard.arena.allocate((1, self.weight.storage_shape[0], 1, shard.size))
        dweight = self.weight.part_of(shard.grads)
        return LinearKernel(x, y, self.weight.storage, dweight)


class LargeLinearOp(Op):
    """``weight @ x`` for the whole batch, in parallel over features instead of images.

    The weights are read once per step rather than once per shard, and one gradient of their size is
    held instead of one per shard.
    """

    def __init__(self, name: str, weight: Parameter) -> None:
        self.name, self.weight = name, weight

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, halo: Padding
    ) -> PlannedOp:
        return PlannedLargeLinear(xs, shards, self.weight)


class PlannedLargeLinear(PlannedOp):
    """A large matrix bound to a batch of N images: ``x (D, N)``, ``y (F, N)``."""

    def __init__(self, xs: list[Array], shards: list[Shard], weight: Parameter) -> None:
        self.shards, self.weight = shards, weight
        out_features, in_features = weight.storage_shape
        self.outputs, self.inputs = _blocks(out_features), _blocks(in_features)
        self.x, gather = self._gathered(xs)
        batch = self.x.shape[1]
        self.y = aligned_empty((out_features, batch), self.x.dtype)
        self.ys = self._by_shard(self.y)
        products = [
            partial(np.matmul, weight.storage[rows], self.x, out=self.y[rows])
            for rows in self.outputs
        ]
        self.forward = [gather, Stage(products, by_shard=False)]

    def _by_shard(self, matrix: Array) -> list[Array]:
        return [matrix[None, :, None, shard.images] for shard in self.shards]

    def _gathered(self, parts: list[Array]) -> tuple[Array, Stage]:
        """One matrix of the whole batch, and the stage that copies the shards into it."""
        batch = self.shards[-1].images.stop
        whole = aligned_empty((parts[0].shape[1], batch), parts[0].dtype)
        pairs = zip(self._by_shard(whole), parts, strict=True)
        return whole, Stage([partial(np.copyto, target, source) for target, source in pairs])

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        self.dy, gather = self._gathered(dys)
        weight, dweight, x = self.weight.storage, self.weight.storage_grad, self.x
        tasks = [partial(np.matmul, self.dy[i], x.T, out=dweight[i]) for i in self.outputs]
        if needs_input_grad:
            self.dx = aligned_empty(x.shape, x.dtype)
            tasks += [
                partial(np.matmul, weight[:, columns].T, self.dy, out=self.dx[columns])
                for columns in self.inputs
            ]
        self.backward = [gather, Stage(tasks, by_shard=False)]
        return self._by_shard(self.dx) if needs_input_grad else None


def _blocks(count: int) -> list[slice]:
    edges = [count * block // BLOCKS for block in range(BLOCKS + 1)]
    return [slice(low, high) for low, high in itertools.pairwise(edges) if high > low]


def fc_ops(placed: Placed, parts: Parts) -> list[Op]:
    """A fully connected layer with ``weight (out_features, in_features)`` and a bias."""
    name, outputs, inputs = placed.name, placed.layer.out_features, math.prod(placed.shape)
    weight = Parameter(f"{name}.weight", (outputs, inputs), (0, 1), "weight", inputs, outputs)
    parts.parameters.append(weight)
    flatten: list[Op] = [FlattenOp(name)] if len(placed.shape) == 3 else []
    linear = LargeLinearOp(name, weight) if weight.large else LinearOp(name, weight)
    return [*flatten, linear, *bias_ops(placed, parts, outputs)]
