"""The sliding windows of ONNX's operators, and why some have no counterpart."""

from __future__ import annotations

from typing import Any

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.modules import single
from cnn_tui.engine.importing.onnx_file import Node
from cnn_tui.engine.shapes import Window


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
