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
"""One image's volume ``(C, H, W)``, or ``(D,)`` once it is flat. Batches are not part of it."""


def format_shape(shape: Iterable[object]) -> str:
    """Sizes as text: ``(16, 10, 10)`` as ``16x10x10``."""
    return "x".join(map(str, shape))


class Window(NamedTuple):
    """A window sliding along one axis; every number counts pixels of its input."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """Pixels from the first to the last that the window reads: ``d(k - 1) + 1``."""
        return self.dilation * (self.kernel - 1) + 1


def exact_size(size: int, window: Window) -> Fraction:
    """``(W - F + 2P)/S + 1``, unrounded: a fraction says that the window does not tile its input.

    ``F`` is the window's span, so that dilation is included (Dumoulin & Visin, relation 15).
    """
    return Fraction(size - window.span + 2 * window.padding, window.stride) + 1


def output_size(size: int, window: Window) -> int:
    """``floor((W - F + 2P)/S) + 1``: how many places the window has; below 1 means none."""
    return (size - window.span + 2 * window.padding) // window.stride + 1


def remainder(size: int, window: Window) -> int:
    """How many padded pixels at the end no place of the window reads; 0 where it tiles."""
    return (size - window.span + 2 * window.padding) % window.stride


def formula(size: int, window: Window) -> str:
    """The output size with its numbers plugged in: ``(224 - 11 + 2*0)/4 + 1 = 54.25``."""
    result = decimal(exact_size(size, window))
    return f"({size} - {window.span} + 2*{window.padding})/{window.stride} + 1 = {result}"


def decimal(value: Fraction) -> str:
    """At most four decimals and no idle zeros: ``54.25``, ``10.3333``, ``7``."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


def same_padding(kernel: int, dilation: int = 1) -> int:
    """The padding on each side that keeps the size at stride 1: ``d(k - 1)/2``.

    Raises:
        ValueError: for an even span, which would need more on one side than on the other.
    """
    span = Window(kernel, dilation=dilation).span
    if span % 2 == 0:
        raise ValueError(f"no equal padding on both sides keeps the size under a span of {span}")
    return span // 2


def conv_weights(
    in_channels: int, out_channels: int, kernel: tuple[int, int], groups: int = 1
) -> int:
    """Entries of a filter bank ``(F, C/groups, KH, KW)``."""
    return out_channels * (in_channels // groups) * kernel[0] * kernel[1]


def fc_weights(in_features: int, out_features: int) -> int:
    """Entries of a matrix ``(out_features, in_features)``."""
    return in_features * out_features


def conv_macs(weights: int, height: int, width: int) -> int:
    """Multiply-adds of one image: every weight is used once at each output place."""
    return weights * height * width


class ReceptiveField(NamedTuple):
    """Receptive field along one axis, in pixels of the network's input, padding included."""

    size: int = 1
    """Pixels from the first to the last that one value depends on."""
    jump: int = 1
    """Pixels between the fields of two neighbouring values."""

    def through(self, window: Window) -> ReceptiveField:
        """The field behind a sliding window: ``r + (k - 1)j``, jump ``j*s`` (Araujo et al.)."""
        return ReceptiveField(self.size + (window.span - 1) * self.jump, self.jump * window.stride)

    def whole(self, size: int) -> ReceptiveField:
        """The field of something that reads all ``size`` places: a window as large as its input."""
        return self.through(Window(size))
