"""Ablation: accuracy with and without some filters, or what each filter of a layer is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.ablation import (
    Ablation,
    FilterCost,
    Scored,
    ablate,
    cost_of_each,
    keep_without,
)
from cnn_tui.engine.insight.health import health
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.wording import listed
from cnn_tui.tui.actions import keyed
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, paged
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import clean, count, fit, percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_FEW, _MANY = 100, 500
"""Images on which each filter of a layer is tried, one after the other: the more the cheaper."""
_WORK = 3_000_000_000
"""Multiply-adds for that, about a second."""
_BAR, _NAME = 30, 14
"""Columns of a full bar, and of the name of a class."""


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> Seen:
    """Take out the filters that are named, or each of the layer on a few images."""
    layer = wanted.layer or subject.conv_layers()[0]
    if wanted.filters or wanted.flagged:
        return AblationSeen(
            ablate(
                subject,
                {layer: _chosen(subject, layer, wanted, watcher)},
                seed=wanted.seed,
                watcher=watcher,
            )
        )
    images = _images(subject, subject.require_layer(layer, conv=True))
    before, costs = cost_of_each(subject, layer, limit=images, seed=wanted.seed, watcher=watcher)
    return FilterCostsSeen(layer, images, before, costs)


def _images(subject: Subject, layer: str) -> int:
    """Images on which each filter of a layer is tried."""
    tries = 1 + len(subject.weights()[f"{layer}.weight"])
    affordable = _WORK // (tries * max(1, check(subject.network).total_macs))
    return min(len(subject.require_data().val), max(_FEW, min(_MANY, affordable)))


def keep(subject: Subject, wanted: Wanted) -> RunFolder:
    """Keep the network without the filters as a new run beside its own.

    Raises:
        InsightError: if no filter is chosen, or the layer cannot become narrower.
    """
    layer = wanted.layer or subject.conv_layers()[0]
    return keep_without(subject, {layer: _chosen(subject, layer, wanted, NOBODY)})


def _chosen(subject: Subject, layer: str, wanted: Wanted, watcher: Watcher) -> tuple[int, ...]:
    """Return the filters that are named, or those that are flagged.

    Raises:
        InsightError: if none is flagged.
    """
    if not wanted.flagged:
        return wanted.filters
    (judged,) = health(subject, [layer], watcher=watcher.quiet).layers
    if not judged.flagged:
        raise InsightError(f"No filter of {layer} is flagged: {judged.verdict}.")
    return judged.flagged


@dataclass(frozen=True, eq=False)
class AblationSeen(Seen):
    """The accuracy of each class before and after, as bars."""

    found: Ablation

    @property
    def said(self) -> Sequence[str]:
        found = self.found
        gone = [
            f"{listed(map(str, numbers), 'and')} of {layer}"
            for layer, numbers in found.removed.items()
        ]
        others = found.cost_of_others
        yardstick = "" if others is None else f" As many others cost {_points(others)} on average."
        return (
            f"Without {listed(gone, 'and')}: {percent(found.before.accuracy)} becomes "
            f"{percent(found.after.accuracy)}, {_points(found.cost)} less, over "
            f"{found.images:,} images.{yardstick}",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        head: Line = ((f" {'class':<{_NAME}} before   after  change", "dim"),)
        before, after = self.found.before, self.found.after
        rows = zip(self.found.classes, before.by_class, after.by_class, strict=True)
        lines = [_class_line(*row) for row in rows]
        whole = _class_line("all", before.accuracy, after.accuracy)
        return paged([head, whole, *lines], canvas, head=2)

    def to_json(self) -> object:
        return msgspec.to_builtins(self.found)


@dataclass(frozen=True, eq=False)
class FilterCostsSeen(Seen):
    """The worth of each filter of a layer, the most valuable first."""

    layer: str
    images: int
    before: Scored
    costs: Sequence[FilterCost]

    @property
    def said(self) -> Sequence[str]:
        free = sum(one.cost <= 0 for one in self.costs)
        unneeded = f"{count(free, 'filter')} of {len(self.costs)} can go without a loss"
        return (
            f"Accuracy {percent(self.before.accuracy)} over {self.images} images; "
            f"{unneeded}, each by itself.",
            keyed(
                "{inspect.filter-before} and {inspect.filter} choose a filter, "
                "{inspect.open-start} takes it out and shows each class."
            ),
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        ordered = sorted(self.costs, key=lambda one: (-one.cost, one.filter))
        most = max([1e-9, *(abs(one.cost) for one in ordered)])
        head: Line = ((" filter  accuracy it is worth", "dim"),)
        lines = [_cost_line(one, most, one.filter == canvas.chosen) for one in ordered]
        drawn = paged([head, *lines], canvas, head=1)
        room = len(lines) if canvas.height is None else max(1, canvas.height - 1)
        return Drawn(drawn.lines, drawn.pages, [one.filter for one in ordered], room)

    def to_json(self) -> object:
        return {
            "layer": self.layer,
            "images": self.images,
            "before": msgspec.to_builtins(self.before),
            "filters": msgspec.to_builtins(self.costs),
        }


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _class_line(name: str, before: float | None, after: float | None) -> Line:
    label = (f" {fit(clean(name), _NAME)} ", "strong" if name == "all" else "")
    if before is None or after is None:
        return (label, (" no images", "dim"))
    kept, moved = round(min(before, after) * _BAR), round(abs(before - after) * _BAR)
    worse = after < before
    figures = f"{percent(before):>6}  {percent(after):>6}  {100 * (after - before):>+6.1f}  "
    changed = ("╌" * moved, "warn") if worse else ("━" * moved, "good")
    return (label, (figures, "warn" if worse else ""), ("━" * kept, "accent"), changed)


def _cost_line(one: FilterCost, most: float, chosen: bool) -> Line:
    name = f" {'>' if chosen else ' '}{one.filter:>4} "
    length = round(abs(one.cost) / most * _BAR)
    bar = ("━" * length, "accent") if one.cost > 0 else ("╌" * length, "good")
    return ((name, "cursor" if chosen else "strong"), (f"{_points(one.cost):>14}  ", ""), bar)
