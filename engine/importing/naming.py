"""The names of imported layers: those that a person gave and that are names here, too."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from cnn_tui.engine.specs.layers import Layer, Residual
from cnn_tui.engine.specs.naming import Namer

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def usable_name(name: str) -> str:
    """The name if it says something and is one; else none."""
    return name if _NAME.fullmatch(name) and not name.isdigit() else ""


def without_idle_names(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Names that a layer would bear anyway, or that another bears already, left out."""
    return _cleared(layers, set())


def _cleared(layers: Iterable[Layer], taken: set[str]) -> tuple[Layer, ...]:
    cleared = []
    for index, layer in enumerate(layers, 1):
        anyway = Namer(()).name(msgspec.structs.replace(layer, name=""), index, "")
        if layer.name == anyway or layer.name in taken:
            layer = msgspec.structs.replace(layer, name="")
        taken |= {layer.name} - {""}
        if isinstance(layer, Residual):
            layer = msgspec.structs.replace(layer, branch=_cleared(layer.branch, taken))
        cleared.append(layer)
    return tuple(cleared)
