"""Shape rules of the small layers that learn: norms of one image, layer scale, PReLU."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnn_tui.engine.specs.activations import PReLU
from cnn_tui.engine.specs.flow import Diagnostic, FeatureMap, InferredLayer, Note, failed
from cnn_tui.engine.specs.layers import BatchNorm
from cnn_tui.engine.specs.norms import GroupNorm, LayerNorm, LayerScale


def infer_prelu(layer: PReLU, flow: FeatureMap) -> InferredLayer:
    """Infer a PReLU: the same volume, with a slope for all values or for each channel."""
    slopes = flow.shape[0] if layer.per_channel and flow.shape else 1
    return InferredLayer(layer, flow, flow, weights=slopes if flow.shape else 0)


def explain_prelu(layer: PReLU, step: InferredLayer) -> Iterator[Note]:
    """Yield the parameters of a PReLU."""
    if step.weights:
        which = "one for each channel" if layer.per_channel else "the same for all values"
        yield Note(
            "parameters", (f"{step.weights:,} slopes" if step.weights > 1 else "1 slope", which)
        )


def infer_groupnorm(layer: GroupNorm, flow: FeatureMap) -> InferredLayer:
    """Infer a group norm: the same volume, with a scale and a shift per channel."""
    channels = flow.shape[0] if flow.shape else 0
    if channels % layer.num_groups:
        return failed(layer, flow, uneven(layer.num_groups, channels, "num_groups"))
    return InferredLayer(layer, flow, flow, weights=channels, biases=channels)


def uneven(groups: int, channels: int, field: str) -> Diagnostic:
    """The fault of groups that do not divide the channels; ``field`` has their number."""
    text = f"{groups} groups do not divide the {channels} input channels evenly"
    return Diagnostic("groups", text, field)


def infer_layernorm(layer: LayerNorm, flow: FeatureMap) -> InferredLayer:
    """Infer a layer norm: the same volume, with a scale and a shift per value or channel."""
    shape = flow.shape or (0,)
    count = shape[0] if layer.over == "channels" else prod(shape)
    return InferredLayer(layer, flow, flow, weights=count, biases=count)


def explain_scales(layer: BatchNorm | GroupNorm | LayerNorm, step: InferredLayer) -> Iterator[Note]:
    """Yield the parameters of a norm."""
    if step.weights:
        yield Note("parameters", (f"{step.weights:,} scales + {step.biases:,} shifts",))


def infer_layer_scale(layer: LayerScale, flow: FeatureMap) -> InferredLayer:
    """Infer a layer scale: the same volume, with a factor per channel."""
    return InferredLayer(layer, flow, flow, weights=flow.shape[0] if flow.shape else 0)


def explain_layer_scale(layer: LayerScale, step: InferredLayer) -> Iterator[Note]:
    """Yield the parameters of a layer scale."""
    if step.weights:
        yield Note("parameters", (f"{step.weights:,} factors, {layer.init_value:g} at first",))
