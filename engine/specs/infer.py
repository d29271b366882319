"""Infers the output, counts and faults of each layer of a list.

``RULES`` has one row for each kind of layer that changes its volume or has parameters; no rule
raises. After a fault shapes are unknown, and only faults that need no shape are found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import prod
from typing import Any, NamedTuple

from cnn_tui.engine.shapes import ReceptiveField, Shape, fc_weights
from cnn_tui.engine.specs import blocks, norm_rules, shaping_rules, windows
from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.flow import (
    Diagnostic,
    FeatureMap,
    InferredLayer,
    Note,
    failed,
    weight_lines,
)
from cnn_tui.engine.specs.inside import BLOCKS, lists_in
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    DWConv,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Parallel,
    Repeat,
    Residual,
    StochasticDepth,
)
from cnn_tui.engine.specs.network import MAX_COUNT, MAX_MACS, MAX_NESTING
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool, GlobalMaxPool
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad
from cnn_tui.engine.specs.values import Problem, value_problems


def explain_dropout(layer: Dropout | StochasticDepth, step: InferredLayer) -> Iterator[Note]:
    """Yield the note that dropout has no parameters."""
    if step.after.shape is not None:
        what = "values" if isinstance(layer, Dropout) else "whole images"
        yield Note("parameters", (f"no parameters: {what} are dropped at random",))


def infer_batchnorm(layer: BatchNorm, flow: FeatureMap) -> InferredLayer:
    """Infer a batch norm: the same volume, with a scale and a shift per channel."""
    channels = flow.shape[0] if flow.shape else 0
    return InferredLayer(layer, flow, flow, weights=channels, biases=channels)


def explain_lrn(layer: LRN, step: InferredLayer) -> Iterator[Note]:
    """Yield that ``alpha`` is the paper's, and what other programs call by that name."""
    if step.after.shape is not None:
        theirs = f"alpha of PyTorch and ONNX: {layer.alpha * layer.size:g}, divided by size"
        yield Note("parameters", ("no parameters; alpha multiplies the sum of squares", theirs))


def infer_fc(layer: FC, flow: FeatureMap) -> InferredLayer:
    """Infer a fully connected layer: each output is connected to every input."""
    if flow.shape is None:
        return failed(layer, flow)
    weights = fc_weights(prod(flow.shape), layer.out_features)
    after = FeatureMap((layer.out_features,), True, *_whole(flow))
    biases = layer.out_features if layer.bias else 0
    return InferredLayer(layer, flow, after, weights=weights, biases=biases, macs=weights)


def explain_fc(layer: FC, step: InferredLayer) -> Iterator[Note]:
    """Yield inputs, parameters and receptive field of a fully connected layer."""
    shape = step.before.shape or ()
    inputs = prod(shape)
    if len(shape) == 3:
        yield Note("size", (f"{'*'.join(map(str, shape))} = {inputs:,} inputs",))
    if step.weights:
        neurons = f"{layer.out_features:,} neurons of {inputs:,} inputs"
        lines = weight_lines(step, f"{inputs}*{layer.out_features}")
        yield Note("parameters", (neurons, *lines))
    yield from _whole_field(step)


def infer_global_pool(layer: GlobalAvgPool | GlobalMaxPool, flow: FeatureMap) -> InferredLayer:
    """Infer a global pool: one value per channel."""
    shape = (flow.shape[0], 1, 1) if flow.shape else None
    return InferredLayer(layer, flow, FeatureMap(shape, False, *_whole(flow)))


def explain_global_avgpool(layer: GlobalAvgPool, step: InferredLayer) -> Iterator[Note]:
    """Yield the receptive field of a global average pool."""
    if step.after.shape is not None:
        yield Note("parameters", ("no parameters: the mean of each channel",))
    yield from _whole_field(step)


def explain_global_maxpool(layer: GlobalMaxPool, step: InferredLayer) -> Iterator[Note]:
    """Yield the receptive field of a global max pool."""
    if step.after.shape is not None:
        yield Note("parameters", ("no parameters: the largest value of each channel",))
    yield from _whole_field(step)


def _whole(flow: FeatureMap) -> tuple[ReceptiveField, ReceptiveField]:
    if flow.shape is None or flow.flat:
        return flow.height, flow.width
    return flow.height.whole(flow.shape[1]), flow.width.whole(flow.shape[2])


def _whole_field(step: InferredLayer) -> Iterator[Note]:
    if step.after.shape is not None:
        yield Note("field", (f"field: the whole input, {step.after.longer_reach} pixels",))


class ShapeRule(NamedTuple):
    """The shape rule and the explanation of one kind of layer."""

    infer: Callable[..., InferredLayer] = lambda layer, flow: InferredLayer(layer, flow, flow)
    """Takes the layer and its input; a block also the function that infers the layers inside."""
    explain: Callable[[Any, InferredLayer], Iterable[Note]] = lambda layer, step: ()
    """Yields the notes that are specific to this kind of layer."""


RULES: dict[type[Layer], ShapeRule] = {
    Conv: ShapeRule(windows.infer_conv, windows.explain_conv),
    DWConv: ShapeRule(windows.infer_dwconv, windows.explain_dwconv),
    MaxPool: ShapeRule(windows.infer_pool, windows.explain_maxpool),
    AvgPool: ShapeRule(windows.infer_pool, windows.explain_avgpool),
    GlobalAvgPool: ShapeRule(infer_global_pool, explain_global_avgpool),
    GlobalMaxPool: ShapeRule(infer_global_pool, explain_global_maxpool),
    AdaptiveAvgPool: ShapeRule(windows.infer_adaptive, windows.explain_adaptive),
    FC: ShapeRule(infer_fc, explain_fc),
    PReLU: ShapeRule(norm_rules.infer_prelu, norm_rules.explain_prelu),
    Dropout: ShapeRule(explain=explain_dropout),
    GroupNorm: ShapeRule(norm_rules.infer_groupnorm, norm_rules.explain_scales),
    LayerNorm: ShapeRule(norm_rules.infer_layernorm, norm_rules.explain_scales),
    LayerScale: ShapeRule(norm_rules.infer_layer_scale, norm_rules.explain_layer_scale),
    StochasticDepth: ShapeRule(explain=explain_dropout),
    Pad: ShapeRule(shaping_rules.infer_pad, shaping_rules.explain_pad),
    ChannelShuffle: ShapeRule(shaping_rules.infer_channel_shuffle),
    BatchNorm: ShapeRule(infer_batchnorm, norm_rules.explain_scales),
    LRN: ShapeRule(explain=explain_lrn),
    Residual: ShapeRule(blocks.infer_residual, blocks.explain_residual),
    Parallel: ShapeRule(blocks.infer_parallel, blocks.explain_parallel),
    Repeat: ShapeRule(blocks.infer_repeat, blocks.explain_repeat),
}
_SAME = ShapeRule()
MOST_KNOWN = 20_000
"""Cached layers, about 10 MB; a full cache is emptied."""
_known: dict[tuple[int, FeatureMap, int], InferredLayer] = {}


def rule_of(layer: Layer) -> ShapeRule:
    """Return the rule of a layer; by default it keeps the shape and has no parameters."""
    return RULES.get(type(layer), _SAME)


def infer_layers(
    layers: Iterable[Layer], flow: FeatureMap, depth: int = 0
) -> tuple[InferredLayer, ...]:
    """Infer one layer after another, the first from the volume ``flow``."""
    return tuple(infer_lazily(layers, flow, depth))


def infer_lazily(
    layers: Iterable[Layer], flow: FeatureMap, depth: int = 0
) -> Iterator[InferredLayer]:
    """Yield what :func:`infer_layers` returns, one layer at a time."""
    count = macs = 0
    for layer in layers:
        step = infer(layer, flow, depth)
        count += step.weights + step.biases + math.prod(step.after.shape or (0,))
        macs += step.macs
        if flow.shape is not None and (count > MAX_COUNT or macs > MAX_MACS):
            step = failed(layer, flow, _TOO_LARGE)
        yield step
        flow = step.after


def infer(layer: Layer, flow: FeatureMap, depth: int = 0) -> InferredLayer:
    """Infer one layer from its input.

    Results are cached by object and input: an edit leaves most layers as they are, and the doctor
    tries many networks that differ little.
    """
    if not _is_exact(flow.shape):
        return _infer(layer, flow, depth)
    # By identity: 3.0 equals 3, but is not a valid size.
    key = (id(layer), flow, depth)
    known = _known.get(key)
    if known is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        # The result holds the layer, so that its id is not reused.
        known = _known[key] = _infer(layer, flow, depth)
    return known


def _is_exact(shape: Shape | None) -> bool:
    return shape is None or (type(shape) is tuple and all(type(size) is int for size in shape))


def _infer(layer: Layer, flow: FeatureMap, depth: int) -> InferredLayer:
    if bad := [bad_value(problem) for problem in value_problems(layer)]:
        return failed(layer, flow, *bad)
    if flow.flat and layer.info.needs_volume:
        return failed(layer, flow, _NEEDS_VOLUME)
    if not isinstance(layer, BLOCKS):
        return rule_of(layer).infer(layer, flow)
    if depth >= MAX_NESTING and any(lists_in(layer)):
        return failed(layer, flow, _TOO_DEEP)
    return rule_of(layer).infer(layer, flow, partial(infer_layers, depth=depth + 1))


def bad_value(problem: Problem) -> Diagnostic:
    """Return the diagnostic of an invalid value in a description made in code."""
    return Diagnostic("bad-value", f"{problem.path}: {problem.text}", problem.path, problem.remedy)


_NEEDS_VOLUME = Diagnostic(
    "needs-volume",
    "it needs a volume C x H x W, but an fc layer before it made its input flat",
    remedy="Move it before the first fc layer.",
)
_TOO_LARGE = Diagnostic(
    "too-large",
    "up to this layer the network has more parameters or values than any machine can hold",
    remedy="Use fewer channels or features, or a smaller input.",
)
_TOO_DEEP = Diagnostic(
    "too-deep",
    f"blocks are nested more than {MAX_NESTING} deep",
    "",
    "Put the layers of the inner block in the outer one.",
)
