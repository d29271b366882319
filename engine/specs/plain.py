"""Layers without a window: their shape rules, and the arithmetic shown."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnn_tui.engine.shapes import ReceptiveField, fc_weights
from cnn_tui.engine.specs.flow import FeatureMap, InferredLayer, Note, failed, weight_lines
from cnn_tui.engine.specs.layers import FC, BatchNorm, Dropout, GlobalAvgPool


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
