"""Which layer holds the responses of a layer with weights: its activation, if it has one."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.engine.specs.layers import FC, BatchNorm, Conv, DWConv, Layer, Residual
from cnn_tui.engine.specs.report import LayerReport


def responses(layers: Sequence[Layer], reports: Sequence[LayerReport]) -> dict[str, str]:
    """For each conv and fc layer, those in residual blocks included, the layer with its responses.

    A batch norm or an activation that follows changes the values but mixes no channels. At the end
    of a branch the sum follows, which mixes: there the responses are those before it.
    """
    found: dict[str, str] = {}
    following = ""
    for layer, report in zip(layers, reports, strict=True):
        if isinstance(layer, Residual):
            found |= responses(layer.branch, report.branch)
            found |= {inner.name: inner.name for inner in report.shortcut if inner.type == "conv"}
        if isinstance(layer, Conv | DWConv | FC):
            following = report.name
        elif not isinstance(layer, BatchNorm) and layer.info.role != "activation":
            following = ""
        if following:
            found[following] = report.name
        if layer.info.role == "activation":
            following = ""
    return found
