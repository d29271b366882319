"""The family: well-known networks in the order of their invention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import msgspec

from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.family import FamilyRow, family
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, paged
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import compact

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_INDENT = 7


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> FamilySeen:
    """Count the presets."""
    return FamilySeen(family())


@dataclass(frozen=True)
class FamilySeen(Seen):
    """Year, name, sizes, and the one idea of each."""

    rows: Sequence[FamilyRow]

    @property
    def said(self) -> Sequence[str]:
        return ("Each kept what came before and added one idea.",)

    def drawn(self, canvas: Canvas) -> Drawn:
        head: Line = ((" year  name          depth  params   MACs  field  input", "dim"),)
        entries = [self._entry(at, canvas) for at in range(len(self.rows))]
        pages = paged([head, *(line for entry in entries for line in entry)], canvas, head=1)
        order = [at for at, row in enumerate(self.rows) if row.preset]
        return Drawn(pages.lines, pages.pages, order, max(1, -(-len(order) // pages.pages)))

    def to_json(self) -> object:
        return msgspec.to_builtins(self.rows)

    def _entry(self, at: int, canvas: Canvas) -> list[Line]:
        row = self.rows[at]
        mark, role = (">", "cursor") if canvas.chosen == at else (" ", "strong")
        figures = f"{'':>6} {'':>7} {'':>6} {'':>6}  no preset"
        if row.params is not None and row.macs is not None:
            figures = (
                f"{row.depth or 0:>6} {compact(row.params):>7} {compact(row.macs):>6} "
                f"{row.receptive_field or 0:>6}  {format_shape(row.input or ())}"
            )
        first: Line = ((f"{mark}{row.year}  {row.name:<12}", role), (figures, ""))
        text = wrap(f"{row.idea} ({row.paper})", max(20, canvas.width - _INDENT - 2))
        return [first, *(((" " * _INDENT + part, "dim"),) for part in text)]
