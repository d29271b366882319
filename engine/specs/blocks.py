"""Residual blocks: shape rule, diagnostics and explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cnn_tui.engine.shapes import Shape, Window, format_shape, output_size
from cnn_tui.engine.specs.flow import Diagnostic, FeatureMap, InferredLayer, Note, failed
from cnn_tui.engine.specs.layers import BatchNorm, Conv, Layer, Residual

Walk = Callable[[tuple[Layer, ...], FeatureMap], tuple[InferredLayer, ...]]
"""The function that infers the layers inside a block."""


def projection(out_channels: int, stride: int) -> tuple[Layer, ...]:
    """Return the shortcut of He et al. 2016, option B: a 1x1 convolution and a batch norm.

    Sizes are rounded down: pixels 0, ``stride``, ``2 * stride``... of a row are read.
    """
    return (
        Conv(out_channels=out_channels, kernel_size=1, stride=stride, bias=False, rounding="floor"),
        BatchNorm(),
    )


def infer_residual(layer: Residual, flow: FeatureMap, walk: Walk) -> InferredLayer:
    """Infer the sum of branch and shortcut, whose shapes have to be equal."""
    if not layer.branch:
        return failed(layer, flow, _EMPTY_BRANCH)
    branch = walk(layer.branch, flow)
    if layer.shortcut == "identity" and layer.stride != 1:
        return _sum(failed(layer, flow, _identity_stride(layer))._replace(branch=branch))
    end = branch[-1].after
    if flow.shape is None or end.shape is None:
        return _sum(InferredLayer(layer, flow, FeatureMap(None, end.flat), branch=branch))
    side, other = _shortcut(layer, flow, end.shape[0], walk)
    if other != end.shape:
        fault = _shortcut_shape(layer, end.shape, other)
        return _sum(failed(layer, flow, fault)._replace(branch=branch, shortcut=side))
    # A shortcut reads single pixels, so the receptive field is that of the branch.
    return _sum(InferredLayer(layer, flow, end, branch=branch, shortcut=side))


def _shortcut(
    layer: Residual, flow: FeatureMap, channels: int, walk: Walk
) -> tuple[tuple[InferredLayer, ...], Shape | None]:
    """The layers of the shortcut and its output shape; None if it does not fit."""
    if layer.shortcut == "identity":
        return (), flow.shape
    if flow.flat or flow.shape is None:
        return (), None
    if layer.shortcut == "projection":
        side = walk(projection(channels, layer.stride), flow)
        return side, side[-1].after.shape
    pixels = (output_size(size, Window(1, layer.stride)) for size in flow.shape[1:])
    return (), (max(channels, flow.shape[0]), *pixels)


def _sum(block: InferredLayer) -> InferredLayer:
    inner = block.branch + block.shortcut
    return block._replace(
        weights=sum(step.weights for step in inner),
        biases=sum(step.biases for step in inner),
        macs=sum(step.macs for step in inner),
    )


_EMPTY_BRANCH = Diagnostic(
    "empty-branch", "its branch has no layers", "branch", "Add a layer, such as a conv."
)


def _identity_stride(layer: Residual) -> Diagnostic:
    text = f"an identity shortcut does not change its input: stride {layer.stride} cannot apply"
    return Diagnostic("identity-stride", text, "stride")


def _shortcut_shape(layer: Residual, branch: Shape, other: Shape | None) -> Diagnostic:
    if other is None:
        text = f"a {layer.shortcut} shortcut needs a volume C x H x W, but its input is flat"
    else:
        sides = f"the branch gives {format_shape(branch)}, the {layer.shortcut} shortcut "
        text = f"{sides}{format_shape(other)}; only equal shapes can be added"
    return Diagnostic(
        "shortcut-shape", text, "shortcut", "Make the shapes of branch and shortcut equal."
    )


def explain_residual(layer: Residual, step: InferredLayer) -> Iterator[Note]:
    """Yield the parameters and the receptive field of the block."""
    params = step.weights + step.biases
    count = f"{params:,} parameters" if params else "no parameters"
    yield Note("parameters", (f"branch + {layer.shortcut} shortcut", count))
    if step.after.shape is not None:
        before, after = step.before.longer_reach, step.after.longer_reach
        yield Note("field", (f"field: {before} grown to {after} pixels",))
