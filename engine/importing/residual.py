"""Adds imported blocks, and compares layers regardless of how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Literal

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.inside import lists_in, with_lists
from cnn_tui.engine.specs.layers import (
    AvgPool,
    Conv,
    Dropout,
    Layer,
    Merge,
    Parallel,
    Repeat,
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
    shortcut: tuple[Shortcut | tuple[Layer, ...], object],
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


def add_parallel(
    branches: Sequence[Assembly],
    merge: Merge,
    assembly: Assembly,
    where: str,
    *,
    split: bool = False,
    name: str = "",
) -> None:
    """Append branches that are merged.

    Raises:
        SpecError: if they do not fit each other.
    """
    if any(branch.flat and math.prod(branch.shape[1:]) > 1 for branch in branches):
        raise SpecError(f"{where} flattens inside a branch: no counterpart.")
    flat = all(branch.flat for branch in branches)
    layers = tuple(tuple(branch.layers) for branch in branches)
    assembly.add(Parallel(branches=layers, merge=merge, split=split, name=name), where)
    assembly.flat = flat or len(assembly.shape) == 1


def add_repeat(
    copies: Sequence[tuple[Layer, ...]], inside: Assembly, assembly: Assembly, where: str, name: str
) -> None:
    """Append layers that are repeated; ``inside`` is what they make one after the other.

    Copies that are not alike follow each other as they are.

    Raises:
        SpecError: if a layer does not fit.
    """
    layers = without_names(copies[0]) if copies else ()
    if layers and all(without_names(copy) == layers for copy in copies):
        assembly.add(Repeat(layers=copies[0], times=len(copies), name=name), where)
    else:
        for layer in inside.layers:
            assembly.add(layer, where)
    assembly.flat = inside.flat


def without_names(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return layers without their names, inside blocks as well."""
    return tuple(
        with_lists(
            msgspec.structs.replace(layer, name=""), list(map(without_names, lists_in(layer)))
        )
        for layer in layers
    )


def canonical(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return layers as other programs can state them: without names, dropout and repetition.

    Repeated layers are written out, sizes are pairs with ``rounding="floor"``, and a sum is one of
    branches in any order. Equal networks have equal canonical layers. Floats are rounded to five
    digits.

    Raises:
        ValueError: for padding ``same`` with a kernel of even span.
    """
    return tuple(chain.from_iterable(map(_canonical, layers)))


def _canonical(layer: Layer) -> tuple[Layer, ...]:
    layer = msgspec.structs.replace(layer, name="")
    match layer:
        case Dropout() | StochasticDepth():
            return ()
        case Repeat():
            return canonical(layer.layers) * layer.times
        case Parallel(branches=(only,)):
            return canonical(only)
        case Parallel() | Residual():
            return (_block(layer),)
    return (_single(layer),)


def _block(block: Parallel | Residual) -> Layer:
    lists = [canonical(inner) for inner in lists_in(block)]
    if isinstance(block, Residual):
        if block.shortcut in ("zero-pad", "projection"):
            return with_lists(block, lists)
        lists += [()] * (len(lists) < 2)
        block = Parallel(branches=(), merge="add")
    if block.merge != "concat" and not block.split:
        lists.sort(key=repr)
    if block.merge == "add" and len(lists) == 2 and not block.split:
        for branch, side in (lists, lists[::-1]):
            kind, stride = known_shortcut(list(side)) or ("", 1)
            if kind == "projection" and branch:
                return Residual(branch=branch, shortcut="projection", stride=stride)
    return msgspec.structs.replace(block, branches=tuple(lists))


def _single(layer: Layer) -> Layer:
    if isinstance(layer, Windowed):
        return _window(layer)
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
