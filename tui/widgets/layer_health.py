"""The layers at the last measured step: zeros, gradient, update to weight, and a word."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import var

from cnn_tui.engine.training.events import LayerHealth
from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.widgets.lines import Line, Lines
from cnn_tui.tui.words import clean, fit, percent

_NAME = 10


class LayerHealthTable(Lines):
    """As many layers as there is room for, those in trouble first."""

    run: var[RunView] = var(RunView(), init=False)

    def watch_run(self) -> None:
        """Show the new figures."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """A heading and a line for each layer."""
        heading = f" {'layer':<{_NAME}} {'zeros':>5} {'|grad|':>7} {'upd:w':>7}"
        layers = self.run.layers
        if not layers:
            return [((heading, "dim"),), ((" not measured yet", "dim"),)]
        room = height - 1
        if len(layers) > room:
            troubled = self.run.troubled
            first = sorted(layers, key=lambda layer: layer.layer not in troubled)[:room]
            layers = tuple(layer for layer in layers if layer in first)
        return [((heading, "dim"),), *(self._row(layer) for layer in layers)]

    def _row(self, layer: LayerHealth) -> Line:
        silent = layer.zeros if layer.zeros is not None else layer.saturated
        figures = (
            f" {fit(clean(layer.layer), _NAME)} {percent(silent, 0):>5}"
            f" {_power(layer.gradient_norm):>7} {_power(layer.update_ratio):>7} "
        )
        if layer.layer in self.run.troubled:
            return ((figures, ""), ("!", "warn"))
        if layer.dead:
            return ((figures, ""), (f"{layer.dead:.0%} dead", "warn"))
        return ((figures, ""), ("ok", "good"))


def _power(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
