"""Two branches that are added: a residual block, if one of them is a shortcut that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.importing.canonical import canonical
from cnn_tui.engine.importing.imported_module import ImportedModule
from cnn_tui.engine.specs.blocks import projection
from cnn_tui.engine.specs.layers import Conv, Layer, Residual, pair

Shortcut = Literal["identity", "projection", "zero-pad"]


def known_shortcut(layers: list[Layer]) -> tuple[Shortcut, int] | None:
    """The kind and the stride of a shortcut that consists of these layers; None if it is none."""
    if not layers:
        return "identity", 1
    first = layers[0]
    if not isinstance(first, Conv):
        return None
    stride = pair(first.stride)[0]
    wanted = projection(first.out_channels, stride)
    return ("projection", stride) if canonical(layers) == canonical(wanted) else None


def add_residual(
    part: ImportedModule, assembly: Assembly, add_module: Callable[[ImportedModule, Assembly], None]
) -> None:
    """Put a block as the product's own PyTorch source describes it.

    Raises:
        SpecError: if its shortcut is another.
    """
    branch = assembly.branch(part.where)
    for inner in part.parts:
        add_module(inner, branch)
    side = part.shortcut
    if side is not None and side.kind == "ZeroPad":
        stride = side.settings.get("stride", 1)
        found: tuple[Shortcut, object] | None = ("zero-pad", stride)
    else:
        other = assembly.branch(part.where)
        if side is not None:
            add_module(side, other)
        found = known_shortcut(other.layers)
    if found is None:
        raise part.refused("has a shortcut that is neither its input nor a projection of it")
    add_block(branch, found, assembly, part.where, part.name)


def add_block(
    branch: Assembly,
    shortcut: tuple[Shortcut, object],
    assembly: Assembly,
    where: str,
    name: str = "",
) -> None:
    """Put a block of these layers and this shortcut.

    Raises:
        SpecError: if the two cannot be added.
    """
    kind, stride = shortcut
    if branch.flat != assembly.flat and len(branch.shape) == 3:
        raise SpecError(f"{where} flattens inside a residual block: no counterpart.")
    if type(stride) is not int:
        raise SpecError(f"{where} has a shortcut whose stride is no whole number.")
    layers = tuple(branch.layers)
    assembly.add(Residual(branch=layers, shortcut=kind, stride=stride, name=name), where)
