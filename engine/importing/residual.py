"""Recognises residual blocks, and compares layers regardless of how they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.inside import BLOCKS, lists_in, with_lists
from cnn_tui.engine.specs.layers import (
    AvgPool,
    Conv,
    Dropout,
    Layer,
    Residual,
    StochasticDepth,
    pair,
)
from cnn_tui.engine.specs.windows import Windowed, windows

Shortcut = Literal["identity", "projection", "zero-pad"]


def known_shortcut(layers: list[Layer]) -> tuple[Shortcut, int] | None:
    """Return the kind and stride of the shortcut that these layers form; None if they do not."""
    if not layers:
        return "identity", 1
    first = layers[0]
    if not isinstance(first, Conv):
        return None
    stride = pair(first.stride)[0]
    wanted = projection(first.out_channels, stride)
    return ("projection", stride) if canonical(layers) == canonical(wanted) else None


def add_block(
    branch: Assembly,
    shortcut: tuple[Shortcut, object],
    assembly: Assembly,
    where: str,
    name: str = "",
) -> None:
    """Append a residual block with this branch and shortcut.

    Raises:
        SpecError: if the branch and the shortcut cannot be added.
    """
    kind, stride = shortcut
    if branch.flat != assembly.flat and len(branch.shape) == 3:
        raise SpecError(f"{where} flattens inside a residual block: no counterpart.")
    if type(stride) is not int:
        raise SpecError(f"{where} has a shortcut whose stride is not a whole number.")
    layers = tuple(branch.layers)
    assembly.add(Residual(branch=layers, shortcut=kind, stride=stride, name=name), where)


def canonical(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return layers without names and dropout, sizes as pairs, with ``rounding="floor"``.

    Equal networks have equal canonical layers. Floats are rounded to five digits.

    Raises:
        ValueError: for padding ``same`` with a kernel of even span.
    """
    return tuple(
        _canonical(layer) for layer in layers if not isinstance(layer, Dropout | StochasticDepth)
    )


def _canonical(layer: Layer) -> Layer:
    layer = msgspec.structs.replace(layer, name="")
    if isinstance(layer, Windowed):
        return _window(layer)
    if isinstance(layer, BLOCKS):
        return with_lists(layer, [canonical(inner) for inner in lists_in(layer)])
    settings = msgspec.structs.asdict(layer).items()
    # Initial values are no part of a trained network.
    floats = {
        name: 0.0 if name.startswith("init") else float(f"{x:.5g}")
        for name, x in settings
        if isinstance(x, float)
    }
    return msgspec.structs.replace(layer, **floats)


def _window(layer: Windowed) -> Windowed:
    kernel, stride, padding, dilation = zip(*windows(layer), strict=True)
    sizes: dict[str, object] = {
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "rounding": "ceil" if layer.rounding == "ceil" else "floor",
    }
    if hasattr(layer, "dilation"):
        sizes["dilation"] = dilation
    if isinstance(layer, AvgPool) and padding == (0, 0):
        sizes["count_include_pad"] = True
    return msgspec.structs.replace(layer, **sizes)
