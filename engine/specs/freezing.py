"""Frozen layers: those up to one that the recipe names are left as they are in training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.specs.flow import Diagnostic
from cnn_tui.engine.specs.inside import Place
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, computed_name
from cnn_tui.engine.specs.report import LayerReport, Report
from cnn_tui.engine.specs.wording import did_you_mean, listed, plain


def frozen_layers(network: Network, report: Report, placed: Sequence[Placed]) -> int:
    """Return how many of the placed layers of a valid network are frozen."""
    for layer in report.layers:
        if layer.name == network.training.freeze:
            return [inner.name for inner in placed].index(computed_name(layer)) + 1
    return 0


def freeze_faults(
    network: Network, reports: Sequence[LayerReport]
) -> Iterator[tuple[Place, Diagnostic]]:
    """Yield the fault of a recipe that freezes up to no layer, or leaves nothing to train."""
    last = network.training.freeze
    if not last:
        return
    names = [report.name for report in reports]
    if last not in names:
        remedy = did_you_mean(last, names, f"Layers are {listed(names, 'and')}.")
        text = f"there is no layer called {plain(last)} to freeze up to"
        if block := next((one.name for one in reports if _is_inside(one, last)), ""):
            text = f"{last} cannot be frozen up to: its block {block} is frozen as a whole"
            remedy = f"Name {block} or a layer outside of blocks."
        yield (), Diagnostic("freeze", text, "training.freeze", remedy)
    elif not any(report.params for report in reports[names.index(last) + 1 :]):
        text = f"all is frozen: behind {plain(last)} no layer has weights to train"
        yield (), Diagnostic("freeze", text, "training.freeze", "Freeze up to an earlier layer.")


def _is_inside(block: LayerReport, name: str) -> bool:
    return any(inner.name == name for inner in block.walk())
