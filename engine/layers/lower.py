"""The operations of a network from its description: one row of ``BUILDERS`` for each layer."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.engine.layers.base import Op
from cnn_tui.engine.layers.branches import MergeOp, ShareOp, ZeroPadOp
from cnn_tui.engine.layers.building import Builder, Parts, Placed
from cnn_tui.engine.layers.conv import conv_ops, dwconv_ops
from cnn_tui.engine.layers.fc import fc_ops
from cnn_tui.engine.layers.group_norm import groupnorm_ops, layernorm_ops
from cnn_tui.engine.layers.kept import KeptOp
from cnn_tui.engine.layers.norm import batchnorm_ops
from cnn_tui.engine.layers.scale import layer_scale_ops, prelu_ops
from cnn_tui.engine.layers.shaping import channel_shuffle_ops, pad_ops
from cnn_tui.engine.layers.simple import (
    PoolOp,
    ResizingOp,
    activation_ops,
    dropout_ops,
    lrn_ops,
    pool_ops,
    whole_pool_ops,
)
from cnn_tui.engine.ops.activations import ACTIVATIONS
from cnn_tui.engine.ops.global_pool import GlobalMaxPoolKernel
from cnn_tui.engine.ops.pool import MaxPoolKernel
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    DWConv,
    GlobalAvgPool,
    MaxPool,
    Parallel,
    Residual,
    StochasticDepth,
)
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad


def chain_ops(placed: Sequence[Placed], parts: Parts) -> list[Op]:
    """The operations of a sequence of layers."""
    ops: list[Op] = []
    for layer in placed:
        for op in BUILDERS[type(layer.layer)](layer, parts):
            if parts.kept:
                ops.append(KeptOp(op))
            else:
                _append(ops, op)
    return ops


def _append(ops: list[Op], op: Op) -> None:
    """Append an operation; a max pool is inserted before the operations that it commutes with."""
    index = len(ops)
    if isinstance(op, PoolOp | ResizingOp) and op.make in (MaxPoolKernel, GlobalMaxPoolKernel):
        while index and ops[index - 1].monotone:
            index -= 1
    ops.insert(index, op)


def residual_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a residual block, with those of its branch and shortcut inside."""
    branch, shortcut = (chain_ops(inner, parts) for inner in placed.branches)
    if placed.layer.shortcut == "zero-pad":
        shortcut = [ZeroPadOp(placed.name, placed.output[0], placed.layer.stride)]
    return [MergeOp(placed.name, "add", [branch, shortcut])]


def parallel_ops(placed: Placed, parts: Parts) -> list[Op]:
    """The operation of a parallel block, with those of its branches inside."""
    branches = [chain_ops(inner, parts) for inner in placed.branches]
    if placed.layer.split:
        share = placed.shape[0] // len(branches)
        branches = [
            [ShareOp(placed.name, slice(at * share, (at + 1) * share)), *branch]
            for at, branch in enumerate(branches)
        ]
    return [MergeOp(placed.name, placed.layer.merge, branches)]


BUILDERS: dict[type, Builder] = {
    **dict.fromkeys(ACTIVATIONS, activation_ops),
    PReLU: prelu_ops,
    Conv: conv_ops,
    DWConv: dwconv_ops,
    MaxPool: pool_ops,
    AvgPool: pool_ops,
    GlobalAvgPool: whole_pool_ops,
    GlobalMaxPool: whole_pool_ops,
    AdaptiveAvgPool: whole_pool_ops,
    FC: fc_ops,
    Dropout: dropout_ops,
    StochasticDepth: dropout_ops,
    Pad: pad_ops,
    ChannelShuffle: channel_shuffle_ops,
    BatchNorm: batchnorm_ops,
    GroupNorm: groupnorm_ops,
    LayerNorm: layernorm_ops,
    LayerScale: layer_scale_ops,
    LRN: lrn_ops,
    Residual: residual_ops,
    Parallel: parallel_ops,
}
