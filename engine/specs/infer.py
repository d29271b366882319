"""Walks a list of layers and infers, for each, its output, its counts and its faults.

``RULES`` has one row for each kind of layer that does more than keep its volume; none raises.
Behind a fault shapes are unknown, but whatever can be judged without them still is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import prod
from typing import Any, NamedTuple

from cnn_tui.engine.shapes import ReceptiveField, Shape, fc_weights
from cnn_tui.engine.specs import blocks, windows
from cnn_tui.engine.specs.flow import (
    Diagnostic,
    FeatureMap,
    InferredLayer,
    Note,
    failed,
    weight_lines,
)
from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
)
from cnn_tui.engine.specs.network import MAX_COUNT, MAX_MACS, MAX_NESTING
from cnn_tui.engine.specs.values import Problem, value_problems


def explain_dropout(layer: Dropout, step: InferredLayer) -> Iterator[Note]:
    """Why a dropout learns nothing."""
    if step.after.shape is not None:
        yield Note("parameters", ("no parameters: what is dropped is drawn by lot",))


def infer_batchnorm(layer: BatchNorm, flow: FeatureMap) -> InferredLayer:
    """The same volume; a scale and a shift for each channel."""
    channels = flow.shape[0] if flow.shape else 0
    return InferredLayer(layer, flow, flow, weights=channels, biases=channels)


def explain_batchnorm(layer: BatchNorm, step: InferredLayer) -> Iterator[Note]:
    """The parameters of a batch norm."""
    if step.weights:
        yield Note("parameters", (f"{step.weights:,} scales + {step.biases:,} shifts",))


def infer_fc(layer: FC, flow: FeatureMap) -> InferredLayer:
    """The outputs of a fully connected layer, each connected to every input."""
    if flow.shape is None:
        return failed(layer, flow)
    weights = fc_weights(prod(flow.shape), layer.out_features)
    after = FeatureMap((layer.out_features,), True, *_whole(flow))
    biases = layer.out_features if layer.bias else 0
    return InferredLayer(layer, flow, after, weights=weights, biases=biases, macs=weights)


def explain_fc(layer: FC, step: InferredLayer) -> Iterator[Note]:
    """Inputs, parameters and receptive field of a fully connected layer."""
    shape = step.before.shape or ()
    inputs = prod(shape)
    if len(shape) == 3:
        yield Note("size", (f"{'*'.join(map(str, shape))} = {inputs:,} inputs",))
    if step.weights:
        neurons = f"{layer.out_features:,} neurons of {inputs:,} inputs"
        lines = weight_lines(step, f"{inputs}*{layer.out_features}")
        yield Note("parameters", (neurons, *lines))
    yield from _whole_field(step)


def infer_global_avgpool(layer: GlobalAvgPool, flow: FeatureMap) -> InferredLayer:
    """One value for each channel."""
    shape = (flow.shape[0], 1, 1) if flow.shape else None
    return InferredLayer(layer, flow, FeatureMap(shape, False, *_whole(flow)))


def explain_global_avgpool(layer: GlobalAvgPool, step: InferredLayer) -> Iterator[Note]:
    """Receptive field of a global average."""
    if step.after.shape is not None:
        yield Note("parameters", ("no parameters: the mean of each channel",))
    yield from _whole_field(step)


def _whole(flow: FeatureMap) -> tuple[ReceptiveField, ReceptiveField]:
    if flow.shape is None or flow.flat:
        return flow.height, flow.width
    return flow.height.whole(flow.shape[1]), flow.width.whole(flow.shape[2])


def _whole_field(step: InferredLayer) -> Iterator[Note]:
    if step.after.shape is not None:
        yield Note("field", (f"field: all of it, {step.after.longer_reach} pixels",))


class ShapeRule(NamedTuple):
    """The shape rule and the explanation of one kind of layer."""

    infer: Callable[..., InferredLayer] = lambda layer, flow: InferredLayer(layer, flow, flow)
    """Takes the layer and the flow before it; a block also what walks through its branch."""
    explain: Callable[[Any, InferredLayer], Iterable[Note]] = lambda layer, step: ()
    """The notes that differ from those of any other layer."""


RULES: dict[type[Layer], ShapeRule] = {
    Conv: ShapeRule(windows.infer_conv, windows.explain_conv),
    MaxPool: ShapeRule(windows.infer_pool, windows.explain_maxpool),
    AvgPool: ShapeRule(windows.infer_pool, windows.explain_avgpool),
    GlobalAvgPool: ShapeRule(infer_global_avgpool, explain_global_avgpool),
    FC: ShapeRule(infer_fc, explain_fc),
    Dropout: ShapeRule(explain=explain_dropout),
    BatchNorm: ShapeRule(infer_batchnorm, explain_batchnorm),
    Residual: ShapeRule(blocks.infer_residual, blocks.explain_residual),
}
_SAME = ShapeRule()
MOST_KNOWN = 20_000
"""Steps that are remembered, about 10 MB; then all are forgotten."""
_known: dict[tuple[int, FeatureMap, int], InferredLayer] = {}


def rule_of(layer: Layer) -> ShapeRule:
    """The rule of a layer; most leave the volume its shape and learn nothing."""
    return RULES.get(type(layer), _SAME)


def walk(layers: Iterable[Layer], flow: FeatureMap, depth: int = 0) -> tuple[InferredLayer, ...]:
    """Infer one layer after another, from the volume that ``flow`` describes."""
    return tuple(steps_through(layers, flow, depth))


def steps_through(
    layers: Iterable[Layer], flow: FeatureMap, depth: int = 0
) -> Iterator[InferredLayer]:
    """The steps of :func:`walk` as far as anybody asks."""
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
    """What one layer makes of the volume before it.

    An edit leaves most layers as they are, and the doctor tries many networks that differ in
    little: what was inferred for the same object and volume is not inferred again.
    """
    if not _is_exact(flow.shape):
        return _infer(layer, flow, depth)
    # Not by equality: 3.0 equals 3, and only one of them is a size.
    key = (id(layer), flow, depth)
    known = _known.get(key)
    if known is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        # The step holds the layer, so that its id stays its own.
        known = _known[key] = _infer(layer, flow, depth)
    return known


def _is_exact(shape: Shape | None) -> bool:
    return shape is None or (type(shape) is tuple and all(type(size) is int for size in shape))


def _infer(layer: Layer, flow: FeatureMap, depth: int) -> InferredLayer:
    if bad := [bad_value(problem) for problem in value_problems(layer)]:
        return failed(layer, flow, *bad)
    if flow.flat and layer.info.needs_volume:
        return failed(layer, flow, _NEEDS_VOLUME)
    if not isinstance(layer, Residual):
        return rule_of(layer).infer(layer, flow)
    if depth >= MAX_NESTING and layer.branch:
        return failed(layer, flow, _TOO_DEEP)
    return rule_of(layer).infer(layer, flow, partial(walk, depth=depth + 1))


def bad_value(problem: Problem) -> Diagnostic:
    """A value outside its limits, in a description made in code."""
    return Diagnostic("bad-value", f"{problem.path}: {problem.text}", problem.path, problem.remedy)


_NEEDS_VOLUME = Diagnostic(
    "needs-volume",
    "it needs a volume C x H x W, but an fc layer before it made its input flat",
    remedy="Move it before the first fc layer.",
)
_TOO_LARGE = Diagnostic(
    "too-large",
    "up to here the network has more parameters or values than any machine can hold",
    remedy="Use fewer channels or features, or a smaller input.",
)
_TOO_DEEP = Diagnostic(
    "too-deep",
    f"residual blocks stand more than {MAX_NESTING} deep in each other",
    "branch",
    "Put the layers of the inner block in the outer one.",
)
