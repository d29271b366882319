"""Probes: how well each layer's output can be classified, on one chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from cnn_tui.engine.insight.probes import LayerProbe, Probes, probes
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.dashboard.plots import Curve, Plot
from cnn_tui.tui.dashboard.ticks import near_axis
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, aligned
from cnn_tui.tui.inspect.charts import chart_and_table, legend, named_axis
from cnn_tui.tui.words import percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_CURVES = (
    ("L", "linear", "linear probe", 0),
    ("K", "knn", "k-NN", 1),
    ("l", "linear_untrained", "untrained", 4),
    ("k", "knn_untrained", "untrained", 2),
)
"""Glyph, field, name and colour of each curve."""
_HEADER = ("layer", "features", "linear", "k-NN", "untrained", "k-NN", "")


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> ProbesSeen:
    """Train the probes."""
    return ProbesSeen(probes(subject, seed=wanted.seed, watcher=watcher))


@dataclass(frozen=True, eq=False)
class ProbesSeen(Seen):
    """Accuracy of the probes by layer."""

    found: Probes

    @property
    def said(self) -> Sequence[str]:
        found = self.found
        first, best = found.probes[0], max(found.probes, key=lambda probe: probe.linear)
        emerged = (
            f"A linear classifier gets {percent(first.linear)} from the pixels and "
            f"{percent(best.linear)} from {best.layer}, the network {percent(found.accuracy)}"
        )
        images = f"{found.images:,} images, tested on {found.test_images:,}"
        convs = found.random_convs
        if convs is None:
            return (f"{emerged} ({images}).",)
        return (
            f"{emerged} ({images}).",
            f"On conv layers at their random start new fc layers reach {percent(convs)}, on the "
            f"trained ones {percent(found.trained_convs)}.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        found = self.found.probes
        curves = tuple(
            Curve(
                tuple((float(at), getattr(p, field)) for at, p in enumerate(found)),
                glyph,
                look=look,
            )
            for glyph, field, _, look in _CURVES
        )
        values = [y for curve in curves for _, y in curve.points]
        x = named_axis([probe.layer for probe in found], canvas.width)
        title = legend(curves, [name for _, _, name, _ in _CURVES])
        table = aligned(_HEADER, [_row(probe) for probe in found], width=canvas.width)
        return chart_and_table(Plot(curves, x, near_axis(values, 5)), title, table, canvas)

    def to_json(self) -> object:
        return msgspec.to_builtins(self.found)


def _row(probe: LayerProbe) -> tuple[str, ...]:
    shares = (probe.linear, probe.knn, probe.linear_untrained, probe.knn_untrained)
    return (probe.layer, f"{probe.features:,}", *map(percent, shares), "")
