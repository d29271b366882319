"""Names and short settings of layers, as tables of layers and names of parameters show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cnn_tui.engine.specs.layers import (
    FC,
    AvgPool,
    Conv,
    Layer,
    MaxPool,
    Residual,
    layer_type,
    pair,
)
from cnn_tui.engine.specs.limits import MAX_NESTING


class Namer:
    """Gives each layer a name of its own: the user's first, then type and number.

    Inside a residual block a name is led by the block's: ``residual3.conv1``.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        self._reserved = set(_given(layers))
        self._used: set[str] = set()

    def name(self, layer: Layer, index: int, prefix: str) -> str:
        """A name not given before; the user's unless another layer already has it."""
        name = _text(layer.name)
        if not name or name in self._used:
            name = self._free(f"{prefix}{layer.info.stem or layer_type(layer)}{index}")
        self._used.add(name)
        return name

    def _free(self, name: str) -> str:
        while name in self._used or name in self._reserved:
            name += "_"
        return name


def _given(layers: Iterable[Layer], depth: int = 0) -> Iterator[str]:
    for layer in layers:
        yield _text(layer.name)
        if isinstance(layer, Residual) and depth < MAX_NESTING:
            yield from _given(layer.branch, depth + 1)


def _text(name: object) -> str:
    return name if isinstance(name, str) else ""


def settings(layer: Layer) -> str:
    """A layer's settings in a few characters: ``6  5x5 s1 p2``."""
    match layer:
        case Conv():
            return f"{layer.out_channels}  {_window(layer)}{_conv_extras(layer)}"
        case MaxPool() | AvgPool():
            return _window(layer)
        case FC():
            return str(layer.out_features) + ("" if layer.bias else " no bias")
        case Residual():
            return layer.shortcut + (f" s{layer.stride}" if layer.stride != 1 else "")
    return layer.info.brief.format(layer)


def _window(layer: Conv | MaxPool | AvgPool) -> str:
    height, width = pair(layer.kernel_size)
    stride = layer.kernel_size if layer.stride is None else layer.stride
    padding = " same" if layer.padding == "same" else f" p{_short(layer.padding)}"
    padding = "" if not isinstance(layer, Conv) and layer.padding == 0 else padding
    floor = " floor" if layer.rounding == "floor" else ""
    return f"{height}x{width} s{_short(stride)}{padding}{floor}"


def _conv_extras(layer: Conv) -> str:
    dilation = f" d{_short(layer.dilation)}" if pair(layer.dilation) != (1, 1) else ""
    groups = f" g{layer.groups}" if layer.groups != 1 else ""
    return f"{dilation}{groups}" + ("" if layer.bias else " no bias")


def _short(size: int | tuple[int, ...] | str) -> str:
    if isinstance(size, tuple):
        return str(size[0]) if size[0] == size[1] else "x".join(map(str, size))
    return str(size)
