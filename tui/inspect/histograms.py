"""Histograms of a layer's weights, activations and gradients, from its start to now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.histograms import (
    Distribution,
    Histograms,
    LayerHistograms,
    histograms,
)
from cnn_tui.engine.insight.traces import LayerTrace
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, paged
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import fit

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#%"
"""The steps of ink in ASCII, as many as those of blocks."""
_NAME, _TALLEST = 14, 5
"""Columns before a histogram, and most rows of one."""
_WIDE = 80
"""Columns from which on all figures fit."""
_HEALTHY = 1e-3


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> HistogramsSeen:
    """Draw values of every layer in every state that is kept."""
    found = histograms(subject, wanted.seed, watcher)
    return HistogramsSeen(found, wanted.layer, subject.state)


@dataclass(frozen=True, eq=False)
class HistogramsSeen(Seen):
    """One layer at a time, state below state."""

    found: Histograms
    first: str
    """The layer that is drawn unless the canvas names another."""
    shown: str
    """The state that the other views show."""

    @property
    def said(self) -> Sequence[str]:
        if self.found.note:
            return (f"Weights alone. {self.found.note}",)
        return (
            "Rows are states of the network, > marks the one shown now; all have the same bins.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        layer = canvas.layer or self.first or self.found.layers[0].layer
        chosen = [one for one in self.found.layers if one.layer == layer]
        if not chosen:
            raise InsightError(f"The layer {layer} has no weights, so it has no histograms.")
        trace = next((one for one in self.found.traces if one.layer == layer), None)
        below = _trace_lines(trace, canvas) if trace else []
        tall = _tall(chosen, len(below), canvas)
        lines: list[Line] = [
            line for one in chosen for line in _quantity(one, tall, self.shown, canvas)
        ]
        return paged([*lines, *below], canvas)

    def to_json(self) -> object:
        return msgspec.to_builtins(self.found)


def _tall(chosen: Sequence[LayerHistograms], below: int, canvas: Canvas) -> int:
    """Rows of each histogram, so that all states are on the page if possible."""
    if canvas.height is None:
        return 2
    states = sum(len(one.states) for one in chosen)
    return max(1, min(_TALLEST, (canvas.height - below - 2 * len(chosen)) // states))


def _quantity(one: LayerHistograms, tall: int, shown: str, canvas: Canvas) -> list[Line]:
    wide, form = canvas.width >= _WIDE, canvas.form
    lines: list[Line] = [((f" {one.quantity}", "strong"), (_ends(one), "dim"))]
    for state in one.states:
        mark, role = (">", "accent") if state.state == shown else (" ", "faint")
        rows = _bars(state.counts, tall, _ASCII if form == "ascii" else _BLOCKS)
        name = fit(state.state.rpartition(", ")[2], _NAME - 2)
        for y, row in enumerate(rows):
            last = y == tall - 1
            label = f"{mark}{name:<{_NAME - 1}}" if last else " " * _NAME
            figures = _figures(state, wide) if last else ""
            lines.append(((label, "dim"), (row, role), (figures, "dim")))
    return [*lines, ()]


def _ends(one: LayerHistograms) -> str:
    left, right = f"{one.low:.2g}", f"{one.high:.2g}"
    room = len(one.states[0].counts) if one.states else 0
    start = " " * max(1, _NAME - 1 - len(one.quantity))
    return f"{start}{left}{right:>{max(1, room - len(left))}}"


def _figures(state: Distribution, wide: bool) -> str:
    bad = f" {state.not_finite} NaN" if state.not_finite else ""
    zeros = f" zeros {state.zeros:.0%}" if wide and state.zeros >= 0.005 else ""
    return f"{bad} sd {state.std:.2g}{zeros}"


def _bars(counts: Sequence[int], tall: int, ink: str) -> list[str]:
    """Rows of bars from top to bottom; a count above zero always shows.

    The highest leaves a step free, or it would run into the histogram above it.
    """
    steps, most = len(ink) - 1, max([1, *counts])
    heights = [max(count > 0, round(count * (steps * tall - 1) / most)) for count in counts]
    return [
        "".join(ink[max(0, min(steps, height - steps * (tall - 1 - y)))] for height in heights)
        for y in range(tall)
    ]


def _trace_lines(trace: LayerTrace, canvas: Canvas) -> list[Line]:
    ink = _ASCII if canvas.form == "ascii" else _BLOCKS
    ratios = [ratio for ratio in trace.update_ratios if ratio is not None]
    width = max(8, min(40, canvas.width - _NAME - 32))
    rows = (
        ("upd:weight", ratios, f"about {_HEALTHY:.0e} is healthy"),
        ("|gradient|", list(trace.gradient_norms), ""),
    )
    return [
        (
            (f" {name:<{_NAME - 1}}", "strong"),
            (_spark(values, width, ink), "accent"),
            (f" {values[-1]:.1e} {words}", "dim"),
        )
        for name, values, words in rows
        if values
    ]


def _spark(values: Sequence[float], width: int, ink: str) -> str:
    """The course of a figure in one row: the mean of each part, beside the largest."""
    parts = min(width, len(values))
    edges = [at * len(values) // parts for at in range(parts + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    most = max([*means, 1e-30])
    return "".join(ink[max(1, min(8, -int(-8 * mean // most)))] for mean in means)
