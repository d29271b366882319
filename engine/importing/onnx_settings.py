"""Reads windows and LRN settings from ONNX nodes.

PyTorch's exporters write local response normalisation as ten operators.
"""

from __future__ import annotations

from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.modules import rounded
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Ratio
from cnn_tui.engine.shapes import Window
from cnn_tui.engine.specs.layers import LRN, single


def refused(node: Node, why: str) -> SpecError:
    """Return the error that explains why a node has no counterpart."""
    return SpecError(f"{node.where} {why}: no counterpart.")


def window_settings(
    node: Node, assembly: Assembly, kernel: tuple[int, int] | None
) -> dict[str, Any]:
    """Return the settings of a window; pairs of equal numbers become one.

    Raises:
        SpecError: if the window is not two-dimensional, or its padding is not symmetric.
    """
    given = node.attributes
    kernel = given.get("kernel_shape", kernel)
    stride, dilation = given.get("strides", (1, 1)), given.get("dilations", (1, 1))
    if not all(isinstance(size, tuple) and len(size) == 2 for size in (kernel, stride, dilation)):
        raise refused(node, "has a window that is not two-dimensional")
    padding = _padding(node, assembly, kernel, stride, dilation)
    sizes = {"kernel_size": kernel, "stride": stride, "padding": padding}
    if node.op == "Conv":
        sizes["dilation"] = dilation
    elif tuple(dilation) != (1, 1):
        raise refused(node, "has a dilation, which pooling here does not support")
    return {name: single(tuple(size)) for name, size in sizes.items()}


def _padding(
    node: Node, assembly: Assembly, kernel: Any, stride: Any, dilation: Any
) -> tuple[int, int]:
    auto = node.attributes.get("auto_pad", b"NOTSET")
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        sizes = zip(assembly.shape[1:], kernel, stride, dilation, strict=True)
        height, width = (max(0, _missing(*axis)) for axis in sizes)
        if height % 2 or width % 2:
            raise refused(node, "pads opposite sides differently")
        return height // 2, width // 2
    pads = (0, 0, 0, 0) if auto == b"VALID" else node.attributes.get("pads", (0, 0, 0, 0))
    if len(pads) != 4 or tuple(pads[:2]) != tuple(pads[2:]):
        raise refused(node, "pads opposite sides differently")
    return pads[0], pads[1]


def _missing(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Pixels by which ``ceil(size / stride)`` windows exceed the input."""
    window = Window(max(1, kernel), max(1, stride), 0, dilation)
    positions = -(-size // window.stride)
    return (positions - 1) * window.stride + window.span - size


_STEPS = ("Mul", "Pad", "AveragePool", "Mul", "Add", "Pow")
"""Squares, averaged along the channels, times alpha, plus k, to the power of beta."""
_RESHAPING = ("Reshape", "Squeeze", "Unsqueeze")


def local_norm(item: Ratio, file: OnnxFile) -> LRN:
    """Return the LRN layer that a division corresponds to.

    Raises:
        SpecError: if it is another division.
    """
    below = [node for node in item.below if isinstance(node, Node)]
    nodes = [node for node in below if node.op not in _RESHAPING]
    if tuple(node.op for node in nodes) != _STEPS or len(below) < len(item.below):
        raise refused(item.node, "divides by something other than a local response")
    _, pad, pool, *rest = nodes
    size = pool.attributes["kernel_shape"][0]
    (alpha,), (k,), (beta,) = (_constants(node, file) for node in rest)
    if not _averages_channels(pool, size) or not _pads_channels(pad, size, file):
        raise refused(item.node, "divides by a response that is not of neighbouring channels")
    return LRN(size=size, alpha=rounded(alpha / size), beta=rounded(beta), k=rounded(k))


def _constants(node: Node, file: OnnxFile) -> tuple[float, ...]:
    constants = map(file.numbers, filter(file.is_constant, node.inputs))
    return tuple(number for numbers in constants if numbers for number in numbers)


def _averages_channels(pool: Node, size: int) -> bool:
    kernel, strides = pool.attributes["kernel_shape"], pool.attributes.get("strides", (1,))
    padding = pool.attributes.get("pads", (0,))
    return tuple(kernel) == (size, 1, 1) and set(strides) == {1} and set(padding) == {0}


def _pads_channels(pad: Node, size: int, file: OnnxFile) -> bool:
    """Whether volumes ``(N, 1, C, H, W)`` are padded to give one mean per channel."""
    pads = file.numbers(pad.inputs[1]) if file.is_constant(pad.inputs[1]) else None
    expected = [0] * 10
    expected[2], expected[7] = size // 2, (size - 1) // 2
    # The ten numbers may be followed by the padding value.
    return pads is not None and list(pads) == expected and not any(_constants(pad, file)[10:])
