"""Layers in the one form in which two descriptions of the same network are equal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cnn_tui.engine.specs.layers import LRN, BatchNorm, Dropout, Layer, LeakyReLU, Residual
from cnn_tui.engine.specs.windows import Windowed, windows


def canonical(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Without names and dropout, sizes as pairs, rounded down: exact is where nothing is lost.

    Numbers are cut to what a float of 32 bits can tell.

    Raises:
        ValueError: if a kernel of even span is padded to the same size.
    """
    return tuple(_canonical(layer) for layer in layers if not isinstance(layer, Dropout))


def _canonical(layer: Layer) -> Layer:
    layer = msgspec.structs.replace(layer, name="")
    if isinstance(layer, Windowed):
        return _window(layer)
    match layer:
        case Residual():
            return msgspec.structs.replace(layer, branch=canonical(layer.branch))
        case LRN():
            figures = {n: _cut(getattr(layer, n)) for n in ("alpha", "beta", "k")}
            return msgspec.structs.replace(layer, **figures)
        case BatchNorm():
            figures = {n: _cut(getattr(layer, n)) for n in ("eps", "momentum")}
            return msgspec.structs.replace(layer, **figures)
        case LeakyReLU():
            return msgspec.structs.replace(layer, negative_slope=_cut(layer.negative_slope))
    return layer


def _window(layer: Windowed) -> Windowed:
    kernel, stride, padding, dilation = zip(*windows(layer), strict=True)
    sizes = {"kernel_size": kernel, "stride": stride, "padding": padding, "rounding": "floor"}
    if hasattr(layer, "dilation"):
        sizes["dilation"] = dilation
    return msgspec.structs.replace(layer, **sizes)


def _cut(value: float) -> float:
    return float(f"{value:.5g}")
