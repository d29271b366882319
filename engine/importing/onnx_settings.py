"""The sliding windows of ONNX's operators, and why some have no counterpart."""

from __future__ import annotations

from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.modules import rounded, single
from cnn_tui.engine.importing.onnx_file import Node, OnnxFile
from cnn_tui.engine.importing.onnx_graph import Ratio
from cnn_tui.engine.shapes import Window
from cnn_tui.engine.specs.layers import LRN


def refused(node: Node, why: str) -> SpecError:
    """The error that says why a node has no counterpart."""
    return SpecError(f"{node.where} {why}: no counterpart.")


def window_settings(
    node: Node, assembly: Assembly, kernel: tuple[int, int] | None
) -> dict[str, Any]:
    """The settings of a window; pairs of equal numbers become one.

    Raises:
        SpecError: if it is none of height and width, or pads its sides differently.
    """
    given = node.attributes
    kernel = given.get("kernel_shape", kernel)
    stride, dilation = given.get("strides", (1, 1)), given.get("dilations", (1, 1))
    if not all(isinstance(one, tuple) and len(one) == 2 for one in (kernel, stride, dilation)):
        raise refused(node, "has no window of height and width")
    padding = _padding(node, assembly, kernel, stride, dilation)
    sizes = {"kernel_size": kernel, "stride": stride, "padding": padding}
    if node.op == "Conv":
        sizes["dilation"] = dilation
    elif tuple(dilation) != (1, 1):
        raise refused(node, "has a dilation, which a pool here has not")
    return {name: single(tuple(size)) for name, size in sizes.items()}


def _padding(
    node: Node, assembly: Assembly, kernel: Any, stride: Any, dilation: Any
) -> tuple[int, int]:
    auto = node.attributes.get("auto_pad", b"NOTSET")
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        sizes = zip(assembly.shape[1:], kernel, stride, dilation, strict=True)
        height, width = (max(0, _missing(*one)) for one in sizes)
        if height % 2 or width % 2:
            raise refused(node, "pads one side more than the other")
        return height // 2, width // 2
    pads = (0, 0, 0, 0) if auto == b"VALID" else node.attributes.get("pads", (0, 0, 0, 0))
    if len(pads) != 4 or tuple(pads[:2]) != tuple(pads[2:]):
        raise refused(node, "pads one side more than the other")
    return pads[0], pads[1]


def _missing(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Pixels by which ``ceil(size / stride)`` windows reach beyond the input."""
    window = Window(max(1, kernel), max(1, stride), 0, dilation)
    places = -(-size // window.stride)
    return (places - 1) * window.stride + window.span - size


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
