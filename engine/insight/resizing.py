"""The same network with another number of filters in one layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.inside import BLOCKS, lists_in, with_lists
from cnn_tui.engine.specs.layers import Conv, DWConv, Layer, Repeat
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import LayerReport


def with_filters(network: Network, name: str, filters: int) -> Network:
    """A valid network with ``filters`` filters in the conv layer ``name``.

    Raises:
        InsightError: if the layers no longer fit together, as in a residual sum, or the layer is
            a depthwise convolution, which follows its input.
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
        if isinstance(layer, BLOCKS):
            pairs = zip(lists_in(layer), _rows_of(layer, report, name), strict=False)
            yield with_lists(layer, [tuple(_resized(*pair, name, filters)) for pair in pairs])
        elif isinstance(layer, DWConv) and report.name == name:
            raise InsightError(
                f"{name} has as many filters as the channels that it reads.",
                "Choose the conv layer before it.",
            )
        elif isinstance(layer, Conv) and report.name == name:
            yield msgspec.structs.replace(layer, out_channels=filters)
        else:
            yield layer


def _rows_of(block: Layer, report: LayerReport, name: str) -> tuple[tuple[LayerReport, ...], ...]:
    """The reports of the lists in a block; of repeated layers those of the copy that is named."""
    if not isinstance(block, Repeat):
        return report.inner
    for copy in report.inner:
        if any(inner.name == name for layer in copy for inner in layer.walk()):
            return (copy,)
    return report.inner[:1]
