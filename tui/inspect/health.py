"""Filter health: a row for each conv layer, and what is wrong with which filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import msgspec

from cnn_tui.engine.insight.health import FilterHealth, health
from cnn_tui.engine.insight.verdict import LayerFilters
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.engine.specs.wording import listed
from cnn_tui.tui.inspect.canvas import (
    Canvas,
    Drawn,
    Seen,
    Wanted,
    aligned,
    paged,
)
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import count

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_HEADER = ("layer", "filters", "distinct", "rank", "dead", "copies", "noise", "")
_MOST_NAMED = 12
"""Filters that are named one by one in a sentence."""


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> HealthSeen:
    """Judge the filters over the validation split."""
    layers = [wanted.layer] if wanted.layer else None
    return HealthSeen(health(subject, layers, seed=wanted.seed, watcher=watcher))


@dataclass(frozen=True, eq=False)
class HealthSeen(Seen):
    """The verdicts as a table."""

    found: FilterHealth

    @property
    def said(self) -> Sequence[str]:
        flagged = [layer for layer in self.found.layers if layer.flagged]
        over = f"over {self.found.images:,} images of the validation split"
        if not flagged:
            layers = count(len(self.found.layers), "layer")
            return (f"{layers}: every filter is alive and distinct, none is like noise, {over}.",)
        named = "; ".join(f"{layer.layer}: {layer.verdict}" for layer in flagged[:2])
        rest = f"; and {count(len(flagged) - 2, 'more layer')}" if len(flagged) > 2 else ""
        return (f"{named}{rest}, {over}.",)

    def drawn(self, canvas: Canvas) -> Drawn:
        layers = self.found.layers
        rows = [_row(layer) for layer in layers]
        roles = ["warn" if layer.flagged else "" for layer in layers]
        table = aligned(_HEADER, rows, roles, canvas.width)
        details: list[Line] = [
            ((f" {row}", ""),)
            for layer in layers
            for line in _details(layer)
            for row in wrap(line, max(8, canvas.width - 2), subsequent_indent="  ")
        ]
        return paged([*table, *([()] if details else []), *details], canvas, head=1)

    def to_json(self) -> object:
        return msgspec.to_builtins(self.found)


def _row(layer: LayerFilters) -> tuple[str, ...]:
    surplus = sum(len(group) - 1 for group in layer.duplicates)
    figures = (len(layer.dead), surplus, len(layer.noisy))
    return (
        layer.layer,
        str(layer.filters),
        str(layer.distinct),
        f"{layer.effective_rank:.1f}",
        *(str(figure or "-") for figure in figures),
        "!" if layer.flagged else "ok",
    )


def _details(layer: LayerFilters) -> Iterator[str]:
    if layer.dead:
        yield f"{layer.layer}: {_named(layer.dead)} {_are(layer.dead)} dead"
    for group in layer.duplicates:
        yield f"{layer.layer}: {_named(group)} do the same"
    if layer.noisy:
        yield f"{layer.layer}: {_named(layer.noisy)} {_are(layer.noisy)} like noise"


def _are(filters: Sequence[int]) -> str:
    return "is" if len(filters) == 1 else "are"


def _named(filters: Sequence[int]) -> str:
    """Name filters by their numbers, with the word before them: a bare number reads as a count."""
    more = len(filters) - _MOST_NAMED
    names = [str(number) for number in filters[:_MOST_NAMED]]
    words = listed([*names, *([f"{more} more"] if more > 0 else [])], "and")
    return f"filter {words}" if len(filters) == 1 else f"filters {words}"


def marks(layer: LayerFilters) -> dict[int, str]:
    """Return what is wrong with which filter, in a word or two."""
    noisy = dict.fromkeys(layer.noisy, "noise")
    twins = {
        number: f"= {group[0] if number != group[0] else group[1]}"
        for group in layer.duplicates
        for number in group
    }
    return noisy | twins | dict.fromkeys(layer.dead, "dead")
