"""The same network with another number of filters in one layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import Conv, Layer, Residual
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport


def with_filters(network: Network, name: str, filters: int) -> Network:
    """A valid network with ``filters`` filters in the conv layer ``name``.

    Raises:
        InsightError: if the layers no longer fit together, as in a residual sum.
    """
    layers = tuple(_resized(network.layers, check(network).layers, name, filters))
    changed = msgspec.structs.replace(network, layers=layers)
    report = check(changed)
    if not report.valid:
        raise InsightError(
            f"{name} cannot have {filters} filters: {report.issues[0].message}",
            "Choose another layer or number.",
        )
    return changed


def _resized(
    layers: Sequence[Layer], reports: Sequence[LayerReport], name: str, filters: int
) -> Iterator[Layer]:
    for layer, report in zip(layers, reports, strict=True):
        if isinstance(layer, Residual):
            branch = tuple(_resized(layer.branch, report.branch, name, filters))
            yield msgspec.structs.replace(layer, branch=branch)
        elif isinstance(layer, Conv) and report.name == name:
            yield msgspec.structs.replace(layer, out_channels=filters)
        else:
            yield layer
