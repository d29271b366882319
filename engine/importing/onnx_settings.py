"""Reads the windows of ONNX operators, their padding in particular."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.onnx_file import Node
from cnn_tui.engine.shapes import Window
from cnn_tui.engine.specs.layers import single

Pads = tuple[int, int, int, int]
"""Pixels added above, to the left, below and to the right, in ONNX's order."""
NO_PADS: Pads = (0, 0, 0, 0)


def refused(node: Node, why: str) -> SpecError:
    """Return the error that explains why a node has no counterpart."""
    return SpecError(f"{node.where} {why}: no counterpart.")


class Windows(NamedTuple):
    """The windows of an operator over an input of ``size``; pairs are height and width."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pads
    ceil: bool

    @property
    def settings(self) -> dict[str, Any]:
        """Kernel, stride and the padding above and to the left; equal pairs as one number."""
        sizes = {"kernel_size": self.kernel, "stride": self.stride, "padding": self.pads[:2]}
        return {name: single(size) for name, size in sizes.items()}

    @property
    def is_symmetric(self) -> bool:
        """Whether opposite sides have the same padding."""
        return self.pads[:2] == self.pads[2:]

    @property
    def is_ceil(self) -> bool:
        """Whether the larger padding below and to the right only does what rounding up does."""
        return all(
            after == before
            or (
                0 < after - before < stride
                and (size + before + after - kernel) // stride
                == -(-(size + 2 * before - kernel) // stride)
            )
            for size, kernel, stride, before, after in zip(
                self.size, self.kernel, self.stride, self.pads[:2], self.pads[2:], strict=True
            )
        )

    @property
    def covers_all(self) -> bool:
        """Whether there is one window, with the whole input in it."""
        return all(
            kernel >= before + size and before + size + after - kernel < stride
            for size, kernel, stride, before, after in zip(
                self.size, self.kernel, self.stride, self.pads[:2], self.pads[2:], strict=True
            )
        )


def windows_of(
    node: Node, size: tuple[int, ...], kernel: tuple[int, int] | None, extra: Pads = NO_PADS
) -> Windows:
    """Return the windows of a node; ``extra`` is the padding that a ``Pad`` before it adds.

    Raises:
        SpecError: if the windows are not two-dimensional.
    """
    given = node.attributes
    sizes = given.get("kernel_shape", kernel), given.get("strides", (1, 1))
    dilation = given.get("dilations", (1, 1))
    if not all(isinstance(one, tuple) and len(one) == 2 for one in (*sizes, dilation, size)):
        raise refused(node, "has a window that is not two-dimensional")
    height_width = (size[0] + extra[0] + extra[2], size[1] + extra[1] + extra[3])
    pads = _pads(node, height_width, *sizes, dilation)
    added = tuple(one + more for one, more in zip(pads, extra, strict=True))
    return Windows(
        (size[0], size[1]),
        *sizes,
        dilation,
        (added[0], added[1], added[2], added[3]),
        bool(given.get("ceil_mode", 0)),
    )


def _pads(
    node: Node, size: tuple[int, int], kernel: Any, stride: Any, dilation: Any
) -> tuple[int, ...]:
    auto = node.attributes.get("auto_pad", b"NOTSET")
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        sizes = zip(size, kernel, stride, dilation, strict=True)
        missing = [max(0, _missing(*axis)) for axis in sizes]
        fewer, more = [one // 2 for one in missing], [one - one // 2 for one in missing]
        return tuple(fewer + more if auto == b"SAME_UPPER" else more + fewer)
    pads = NO_PADS if auto == b"VALID" else tuple(node.attributes.get("pads", NO_PADS))
    if len(pads) != 4 or min(pads) < 0:
        raise refused(node, "has padding that is not two-dimensional, or below zero")
    return pads


def _missing(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Pixels by which ``ceil(size / stride)`` windows exceed the input."""
    window = Window(max(1, kernel), max(1, stride), 0, dilation)
    positions = -(-size // window.stride)
    return (positions - 1) * window.stride + window.span - size
