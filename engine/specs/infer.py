"""Walks a list of layers and infers, for each, its output, its counts and its faults.

One function per kind of layer; none raises. Behind a fault shapes are unknown, but whatever can
be judged without them still is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from cnn_tui.engine.shapes import (
    Reach,
    Shape,
    Window,
    conv_macs,
    conv_weights,
    fc_weights,
    output_size,
)
from cnn_tui.engine.specs import faults
from cnn_tui.engine.specs.flow import Fault, Flow, Step
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Residual,
    pair,
)
from cnn_tui.engine.specs.limits import MAX_COUNT, MAX_MACS, MAX_NESTING
from cnn_tui.engine.specs.values import value_problems
from cnn_tui.engine.specs.windows import Windowed, projection, windows

SLIDING = (Conv, MaxPool, AvgPool, GlobalAvgPool, LRN)
"""Kinds of layers that need height and width."""
MOST_KNOWN = 20_000
"""Steps that are remembered, about 10 MB; then all are forgotten."""
_known: dict[tuple[int, Flow, int], Step] = {}


def walk(layers: Iterable[Layer], flow: Flow, depth: int = 0) -> tuple[Step, ...]:
    """Infer one layer after another, from the volume that ``flow`` describes."""
    return tuple(steps_through(layers, flow, depth))


def steps_through(layers: Iterable[Layer], flow: Flow, depth: int = 0) -> Iterator[Step]:
    """The steps of :func:`walk` as far as anybody asks."""
    count = macs = 0
    for layer in layers:
        step = infer(layer, flow, depth)
        count += step.weights + step.biases + math.prod(step.after.shape or (0,))
        macs += step.macs
        if flow.shape is not None and (count > MAX_COUNT or macs > MAX_MACS):
            step = _failed(layer, flow, faults.too_large())
        yield step
        flow = step.after


def infer(layer: Layer, flow: Flow, depth: int = 0) -> Step:
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


def _infer(layer: Layer, flow: Flow, depth: int) -> Step:
    if bad := [faults.bad_value(problem) for problem in value_problems(layer)]:
        return _failed(layer, flow, *bad)
    if flow.flat and isinstance(layer, SLIDING):
        return _failed(layer, flow, faults.needs_volume())
    match layer:
        case Conv():
            return _conv(layer, flow)
        case MaxPool() | AvgPool():
            return _pool(layer, flow)
        case GlobalAvgPool():
            return Step(layer, flow, _global_pool(flow))
        case FC():
            return _fc(layer, flow)
        case BatchNorm():
            channels = flow.shape[0] if flow.shape else 0
            return Step(layer, flow, flow, weights=channels, biases=channels)
        case Residual():
            return _residual(layer, flow, depth)
    return Step(layer, flow, flow)


def _failed(layer: Layer, flow: Flow, *found: Fault) -> Step:
    # What slides over pixels gives pixels, so one layer in the wrong place is one fault, not many.
    flat = isinstance(layer, FC) or (flow.flat and not isinstance(layer, SLIDING))
    return Step(layer, flow, Flow(None, flat), found)


def _conv(layer: Conv, flow: Flow) -> Step:
    channels = flow.shape[0] if flow.shape else None
    found = (*faults.same_even(layer), *faults.groups(layer, channels))
    if found or flow.shape is None:
        return _failed(layer, flow, *found)
    weights = conv_weights(flow.shape[0], layer.out_channels, pair(layer.kernel_size), layer.groups)
    step = _slide(layer, flow, layer.out_channels)
    biases = layer.out_channels if layer.bias else 0
    macs = conv_macs(weights, *step.after.shape[1:]) if step.after.shape else 0
    return step._replace(weights=weights, biases=biases, macs=macs)


def _pool(layer: MaxPool | AvgPool, flow: Flow) -> Step:
    found = tuple(faults.pool_padding(layer))
    if found or flow.shape is None:
        return _failed(layer, flow, *found)
    return _slide(layer, flow, flow.shape[0])


def _slide(layer: Windowed, flow: Flow, channels: int) -> Step:
    assert flow.shape is not None
    _, height, width = flow.shape
    down, across = windows(layer)
    if found := tuple(faults.placement(layer, ((height, down), (width, across)))):
        return _failed(layer, flow, *found)
    shape = (channels, output_size(height, down), output_size(width, across))
    after = Flow(shape, False, flow.height.through(down), flow.width.through(across))
    return Step(layer, flow, after)


def _whole(flow: Flow) -> tuple[Reach, Reach]:
    if flow.shape is None or flow.flat:
        return flow.height, flow.width
    return flow.height.whole(flow.shape[1]), flow.width.whole(flow.shape[2])


def _global_pool(flow: Flow) -> Flow:
    shape = (flow.shape[0], 1, 1) if flow.shape else None
    return Flow(shape, False, *_whole(flow))


def _fc(layer: FC, flow: Flow) -> Step:
    if flow.shape is None:
        return _failed(layer, flow)
    weights = fc_weights(math.prod(flow.shape), layer.out_features)
    after = Flow((layer.out_features,), True, *_whole(flow))
    biases = layer.out_features if layer.bias else 0
    return Step(layer, flow, after, weights=weights, biases=biases, macs=weights)


def _residual(layer: Residual, flow: Flow, depth: int) -> Step:
    if not layer.branch:
        return _failed(layer, flow, faults.empty_branch())
    if depth >= MAX_NESTING:
        return _failed(layer, flow, faults.too_deep(MAX_NESTING))
    branch = walk(layer.branch, flow, depth + 1)
    if layer.shortcut == "identity" and layer.stride != 1:
        return _sum(_failed(layer, flow, faults.identity_stride(layer))._replace(branch=branch))
    end = branch[-1].after
    if flow.shape is None or end.shape is None:
        return _sum(Step(layer, flow, Flow(None, end.flat), branch=branch))
    side, other = _shortcut(layer, flow, end.shape[0])
    if other != end.shape:
        found = faults.shortcut(layer, end.shape, other)
        return _sum(_failed(layer, flow, found)._replace(branch=branch, shortcut=side))
    # A shortcut reads single pixels: what the branch reaches holds all that it reaches.
    return _sum(Step(layer, flow, end, branch=branch, shortcut=side))


def _shortcut(layer: Residual, flow: Flow, channels: int) -> tuple[tuple[Step, ...], Shape | None]:
    """Its layers, and the shape that it gives; None where it cannot be."""
    if layer.shortcut == "identity":
        return (), flow.shape
    if flow.flat or flow.shape is None:
        return (), None
    if layer.shortcut == "projection":
        side = walk(projection(channels, layer.stride), flow)
        return side, side[-1].after.shape
    pixels = (output_size(size, Window(1, layer.stride)) for size in flow.shape[1:])
    return (), (max(channels, flow.shape[0]), *pixels)


def _sum(block: Step) -> Step:
    inner = block.branch + block.shortcut
    return block._replace(
        weights=sum(step.weights for step in inner),
        biases=sum(step.biases for step in inner),
        macs=sum(step.macs for step in inner),
    )
