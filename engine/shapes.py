"""Sizes, counts and receptive fields of layers: exact arithmetic on whole numbers, no NumPy.

Sources: CS231n notes, Convolutional Networks, sections "Conv Layer" and "Pooling Layer"; Dumoulin
& Visin 2016, "A guide to convolution arithmetic for deep learning" (arXiv 1603.07285); Araujo,
Norris & Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks" (Distill).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

Shape = tuple[int, ...]
"""The shape of one image's volume ``(C, H, W)``, or ``(D,)`` once it is flat; without the batch."""


def format_shape(shape: Iterable[object]) -> str:
    """Sizes as text: ``(16, 10, 10)`` as ``16x10x10``."""
    return "x".join(map(str, shape))


class Window(NamedTuple):
    """A window sliding along one axis, in pixels of its input."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """Pixels from the first to the last that the window reads: ``d(k - 1) + 1``."""
        return self.dilation * (self.kernel - 1) + 1


def exact_size(size: int, window: Window) -> Fraction:
    """``(W - F + 2P)/S + 1``, unrounded: a fraction means that the window does not tile its input.

    ``F`` is the window's span, which includes dilation (Dumoulin & Visin, relation 15).
    """
    return Fraction(size - window.span + 2 * window.padding, window.stride) + 1


def output_size(size: int, window: Window) -> int:
    """``floor((W - F + 2P)/S) + 1``, the number of window positions; none if below 1."""
    return (size - window.span + 2 * window.padding) // window.stride + 1


def remainder(size: int, window: Window) -> int:
    """Padded pixels at the end that no window position reads; 0 if the window tiles its input."""
    return (size - window.span + 2 * window.padding) % window.stride


def formula(size: int, window: Window) -> str:
    """The computation of the output size as text: ``(224 - 11 + 2*0)/4 + 1 = 54.25``."""
    result = decimal(exact_size(size, window))
    return f"({size} - {window.span} + 2*{window.padding})/{window.stride} + 1 = {result}"


def decimal(value: Fraction) -> str:
    """A number with at most four decimals and no trailing zeros: ``54.25``, ``10.3333``, ``7``."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def same_padding(kernel: int, dilation: int = 1) -> int:
    """The padding on each side that preserves the size at stride 1: ``d(k - 1)/2``.

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
    """Number of weights of a filter bank ``(F, C/groups, KH, KW)``."""
    return out_channels * (in_channels // groups) * kernel[0] * kernel[1]


def fc_weights(in_features: int, out_features: int) -> int:
    """Number of weights of a matrix ``(out_features, in_features)``."""
    return in_features * out_features


def conv_macs(weights: int, height: int, width: int) -> int:
    """Multiply-adds per image: every weight is used once at each output position."""
    return weights * height * width


class ReceptiveField(NamedTuple):
    """Receptive field along one axis, in pixels of the network's input, padding included."""

    size: int = 1
    """Pixels from the first to the last that a value depends on."""
    jump: int = 1
    """Pixels between the receptive fields of neighbouring values."""

    def through(self, window: Window) -> ReceptiveField:
        """The field after a sliding window: ``r + (k - 1)j``, jump ``j*s`` (Araujo et al.)."""
        return ReceptiveField(self.size + (window.span - 1) * self.jump, self.jump * window.stride)

    def whole(self, size: int) -> ReceptiveField:
        """The field after a layer that reads all ``size`` positions of its input."""
        return self.through(Window(size))
