"""Layers in the one form in which two descriptions of the same network are equal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cnn_tui.engine.specs.layers import Dropout, Layer, Residual
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
    if isinstance(layer, Residual):
        return msgspec.structs.replace(layer, branch=canonical(layer.branch))
    values = msgspec.structs.asdict(layer)
    floats = {name: _cut(value) for name, value in values.items() if isinstance(value, float)}
    return msgspec.structs.replace(layer, **floats)


def _window(layer: Windowed) -> Windowed:
    kernel, stride, padding, dilation = zip(*windows(layer), strict=True)
    sizes = {"kernel_size": kernel, "stride": stride, "padding": padding, "rounding": "floor"}
    if hasattr(layer, "dilation"):
        sizes["dilation"] = dilation
    return msgspec.structs.replace(layer, **sizes)


def _cut(value: float) -> float:
    return float(f"{value:.5g}")
