"""The colour of a kind of layer, the same wherever a layer is shown."""

from __future__ import annotations

from functools import cache

from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.tui.theme import KINDS


@cache
def role_of(type_: str) -> str:
    """Return the role in ``LOOKS`` of a type of layer; empty for anything else."""
    layer = LAYER_TYPES.get(type_)
    return layer.info.group if layer and layer.info.group in KINDS else ""
