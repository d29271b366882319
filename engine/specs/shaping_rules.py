"""Shape rules of the layers that only move values: padding and channel shuffle."""

from __future__ import annotations

from collections.abc import Iterator

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.flow import Diagnostic, FeatureMap, InferredLayer, Note, failed
from cnn_tui.engine.specs.norm_rules import uneven
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad


def infer_pad(layer: Pad, flow: FeatureMap) -> InferredLayer:
    """Infer a padding: height and width grow; a mirror image needs enough pixels."""
    if flow.shape is None:
        return failed(layer, flow)
    channels, height, width = flow.shape
    left, right, top, bottom = layer.sides
    if layer.padding_mode == "reflect" and (
        max(top, bottom) >= height or max(left, right) >= width
    ):
        size = format_shape((height, width))
        text = f"a mirror image at the edge needs fewer pixels than the input of {size} has"
        return failed(
            layer, flow, Diagnostic("pad-too-large", text, "padding", "Pad by fewer pixels.")
        )
    shape = (channels, height + top + bottom, width + left + right)
    return InferredLayer(layer, flow, flow._replace(shape=shape))


def explain_pad(layer: Pad, step: InferredLayer) -> Iterator[Note]:
    """Yield what a padding adds on each side."""
    if step.after.shape is None or step.before.shape is None:
        return
    left, right, top, bottom = layer.sides
    _, height, width = step.before.shape
    yield Note(
        "size",
        (f"height {top} + {height} + {bottom}", f"width  {left} + {width} + {right}"),
    )
    what = {"zeros": "zeros", "reflect": "a mirror image", "replicate": "the outermost pixels"}
    yield Note("parameters", (f"no parameters: {what[layer.padding_mode]}",))


def infer_channel_shuffle(layer: ChannelShuffle, flow: FeatureMap) -> InferredLayer:
    """Infer a channel shuffle: the same volume."""
    channels = flow.shape[0] if flow.shape else 0
    if channels % layer.groups:
        return failed(layer, flow, uneven(layer.groups, channels, "groups"))
    return InferredLayer(layer, flow, flow)
