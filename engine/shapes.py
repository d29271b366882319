"""Output sizes, parameter counts and receptive fields of layers, in exact integer arithmetic.

Sources: CS231n notes, Convolutional Networks, sections "Conv Layer" and "Pooling Layer"; Dumoulin
& Visin 2016, "A guide to convolution arithmetic for deep learning" (arXiv 1603.07285); Araujo,
Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks" (Distill).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

Shape = tuple[int, ...]
"""The volume of one image: ``(C, H, W)``, or ``(D,)`` once flattened. No batch axis."""


def format_shape(shape: Iterable[object]) -> str:
    """Format a shape such as ``(16, 10, 10)`` as ``16x10x10``."""
    return "x".join(map(str, shape))


class Window(NamedTuple):
    """A window that slides along one axis; all numbers are in pixels of its input."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """Distance from the first to the last pixel read, both counted: ``d(k - 1) + 1``."""
        return self.dilation * (self.kernel - 1) + 1


def exact_size(size: int, window: Window) -> Fraction:
    """Return ``(W - F + 2P)/S + 1`` unrounded; a fraction means that the window does not tile.

    ``F`` is the span of the window, which includes dilation (Dumoulin & Visin, relation 15).
    """
    return Fraction(size - window.span + 2 * window.padding, window.stride) + 1


def output_size(size: int, window: Window) -> int:
    """Return ``floor((W - F + 2P)/S) + 1``, the number of window positions; below 1 for none."""
    return (size - window.span + 2 * window.padding) // window.stride + 1


def ceil_size(size: int, window: Window) -> int:
    """Return ``ceil((W - F + 2P)/S) + 1``, or one less: PyTorch's rule for ``ceil_mode``.

    The last window has to begin inside of the input or of the padding before it.
    """
    count = -((window.span - size - 2 * window.padding) // window.stride) + 1
    return count - ((count - 1) * window.stride >= size + window.padding)


def adaptive_spans(size: int, count: int) -> list[tuple[int, int]]:
    """Return where ``count`` windows that share ``size`` pixels begin and end, as PyTorch does.

    Window number i goes from ``floor(i*size/count)`` to ``ceil((i + 1)*size/count)``.
    """
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def adaptive_window(size: int, count: int) -> Window:
    """Return the smallest sliding window that holds :func:`adaptive_spans`; no larger if equal."""
    stride = size // count
    kernel = max(stop - i * stride for i, (_, stop) in enumerate(adaptive_spans(size, count)))
    return Window(kernel, stride)


def remainder(size: int, window: Window) -> int:
    """Return the number of padded pixels at the end that no window reads; 0 if it tiles."""
    return (size - window.span + 2 * window.padding) % window.stride


def formula(size: int, window: Window) -> str:
    """Return the calculation of the output size: ``(224 - 11 + 2*0)/4 + 1 = 54.25``."""
    result = decimal(exact_size(size, window))
    return f"({size} - {window.span} + 2*{window.padding})/{window.stride} + 1 = {result}"


def decimal(value: Fraction) -> str:
    """Format with at most four decimals and no trailing zeros: ``54.25``, ``10.3333``, ``7``."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def same_padding(kernel: int, dilation: int = 1) -> int:
    """Return the padding on each side that keeps the size at stride 1: ``d(k - 1)/2``.

    Raises:
        ValueError: if the span is even, which would need unequal padding.
    """
    span = Window(kernel, dilation=dilation).span
    if span % 2 == 0:
        raise ValueError(f"no equal padding on both sides preserves the size with a span of {span}")
    return span // 2


def conv_weights(
    in_channels: int, out_channels: int, kernel: tuple[int, int], groups: int = 1
) -> int:
    """Return the number of weights of a filter bank ``(F, C/groups, KH, KW)``."""
    return out_channels * (in_channels // groups) * kernel[0] * kernel[1]


def fc_weights(in_features: int, out_features: int) -> int:
    """Return the number of weights of a matrix ``(out_features, in_features)``."""
    return in_features * out_features


def conv_macs(weights: int, height: int, width: int) -> int:
    """Return the multiply-adds for one image: each weight is used once per output pixel."""
    return weights * height * width


class ReceptiveField(NamedTuple):
    """Receptive field along one axis, in pixels of the network's input, padding included."""

    size: int = 1
    """Extent of the pixels that one value depends on."""
    jump: int = 1
    """Distance between the fields of two neighbouring values."""

    def through(self, window: Window) -> ReceptiveField:
        """Return the field after a window: ``r + (k - 1)j``, jump ``j*s`` (Araujo et al.)."""
        return ReceptiveField(self.size + (window.span - 1) * self.jump, self.jump * window.stride)

    def whole(self, size: int) -> ReceptiveField:
        """Return the field after a layer that reads all ``size`` pixels of its input."""
        return self.through(Window(size))
