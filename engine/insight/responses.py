"""Which layer holds the responses of a layer with weights: its activation, if it has one."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, DWConv
from cnn_tui.engine.specs.placed import Placed


def responses(layers: Sequence[Placed]) -> dict[str, str]:
    """Pair each conv and fc layer, those inside blocks included, with its responses.

    A batch norm or an activation that follows changes the values but mixes no channels. At the end
    of a branch the merge follows, which mixes: there the responses are those before it.
    """
    found: dict[str, str] = {}
    following = ""
    for placed in layers:
        for branch in placed.branches:
            found |= responses(branch)
        layer = placed.layer
        if isinstance(layer, Conv | DWConv | FC):
            following = placed.name
        elif not isinstance(layer, BatchNorm) and layer.info.role != "activation":
            following = ""
        if following:
            found[following] = placed.name
        if layer.info.role == "activation":
            following = ""
    return found
