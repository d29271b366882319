"""How many filters: accuracy against the width of one layer, with error bars over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.width import Spread, WidthCurve, WidthSummary, width
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.dashboard.plots import Curve, Plot
from cnn_tui.tui.dashboard.ticks import near_axis
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, aligned
from cnn_tui.tui.inspect.charts import chart_and_table, legend, named_axis
from cnn_tui.tui.words import compact, count, percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_HEADER = ("filters", "accuracy", "+-", "rank", "distinct", "params", "seeds", "")


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> WidthSeen:
    """Train the network with other widths; each training is a run beside its own."""
    if wanted.folder is None:
        raise InsightError("This run is not kept in a folder, so there is no place for others.")
    recorded = wanted.folder.info().data_dir
    curve = width(
        subject.network,
        subject.require_data(),
        wanted.layer or subject.conv_layers()[0],
        wanted.widths,
        root=wanted.folder.home,
        data_dir=Path(recorded) if recorded else None,
        seeds=range(wanted.seed, wanted.seed + wanted.seeds),
        epochs=wanted.epochs,
        watcher=watcher,
    )
    return WidthSeen(curve)


@dataclass(frozen=True, eq=False)
class WidthSeen(Seen):
    """A chart, and the numbers below it."""

    found: WidthCurve

    @property
    def said(self) -> Sequence[str]:
        widths = self.found.widths
        best = max(widths, key=lambda one: one.accuracy.mean)
        enough = next(one for one in widths if _reaches(one.accuracy, best.accuracy))
        more = (
            f"more gain at most {100 * (best.accuracy.mean - enough.accuracy.mean):.1f} points, "
            "no more than seeds differ"
            if enough is not best
            else "fewer lose more than seeds differ"
        )
        verb = "is" if enough.filters == 1 else "are"
        return (
            f"{count(enough.filters, 'filter')} of {self.found.layer} {verb} enough: {more}. "
            f"{count(len(self.found.points), 'run')} of {count(self.found.epochs, 'epoch')}, in "
            "Runs under the tag width.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        widths = self.found.widths
        points = tuple((float(at), one.accuracy.mean) for at, one in enumerate(widths))
        curve = Curve(points, "o")
        spreads = tuple(
            (float(at), one.accuracy.low, one.accuracy.high) for at, one in enumerate(widths)
        )
        values = [end for _, low, high in spreads for end in (low, high)]
        x = named_axis([str(one.filters) for one in widths], canvas.width)
        plot = Plot((curve,), x, near_axis(values, 5), spreads=spreads)
        title = legend((curve,), ["validation accuracy by filters; bars from worst to best seed"])
        return chart_and_table(plot, title, aligned(_HEADER, list(map(self._row, widths))), canvas)

    def to_json(self) -> object:
        return msgspec.to_builtins(self.found)

    def _row(self, one: WidthSummary) -> tuple[str, ...]:
        seeds = sum(point.filters == one.filters for point in self.found.points)
        return (
            str(one.filters),
            percent(one.accuracy.mean),
            f"{100 * one.accuracy.std:.1f}",
            f"{one.effective_rank.mean:.1f}",
            f"{one.distinct.mean:.1f}",
            compact(one.params),
            str(seeds),
            "",
        )


def _reaches(accuracy: Spread, best: Spread) -> bool:
    """Whether a mean is as good as the best, within the larger of their deviations."""
    return best.mean - accuracy.mean <= max(accuracy.std, best.std)
