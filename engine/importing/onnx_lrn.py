"""Local response normalisation as PyTorch's exporters write it: ten operators."""

from __future__ import annotations

from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Ratio
from cnn_tui.engine.importing.onnx_window import refused
from cnn_tui.engine.specs.layers import LRN

_STEPS = ("Mul", "Pad", "AveragePool", "Mul", "Add", "Pow")
"""Squares, averaged along the channels, times alpha, plus k, to the power of beta."""
_RESHAPING = ("Reshape", "Squeeze", "Unsqueeze")


def local_norm(item: Ratio, file: OnnxFile) -> LRN:
    """The layer that a division by something made of the same values stands for.

    Raises:
        SpecError: if it stands for none.
    """
    nodes = [one for one in item.below if isinstance(one, Node) and one.op not in _RESHAPING]
    if tuple(one.op for one in nodes) != _STEPS or any(not isinstance(o, Node) for o in item.below):
        raise refused(item.node, "divides by something else than a local response")
    _, pad, pool, *rest = nodes
    size = pool.attributes["kernel_shape"][0]
    (alpha,), (k,), (beta,) = (_constants(one, file) for one in rest)
    if not _averages_channels(pool, size) or not _pads_channels(pad, size, file):
        raise refused(item.node, "divides by a response that is not one of neighbouring channels")
    return LRN(size=size, alpha=rounded(alpha / size), beta=rounded(beta), k=rounded(k))


def _constants(node: Node, file: OnnxFile) -> tuple[float, ...]:
    found = [file.numbers(one) for one in node.inputs if file.is_constant(one)]
    return tuple(number for numbers in found if numbers for number in numbers)


def _averages_channels(pool: Node, size: int) -> bool:
    kernel, strides = pool.attributes["kernel_shape"], pool.attributes.get("strides", (1,))
    padding = pool.attributes.get("pads", (0,))
    return tuple(kernel) == (size, 1, 1) and set(strides) == {1} and set(padding) == {0}


def _pads_channels(pad: Node, size: int, file: OnnxFile) -> bool:
    """Of volumes ``(N, 1, C, H, W)``, so that there are as many means as channels."""
    pads = file.numbers(pad.inputs[1]) if file.is_constant(pad.inputs[1]) else None
    expected = [0] * 10
    expected[2], expected[7] = size // 2, (size - 1) // 2
    # Behind its ten numbers may stand the value that it pads with.
    return pads is not None and list(pads) == expected and not any(_constants(pad, file)[10:])
