"""Shift: accuracy against the shift of the images, beside a fully connected network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnn_tui.engine.insight.equivariance import Equivariance, ShiftedMaps, equivariance
from cnn_tui.engine.insight.shift import ShiftTest, shift
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.dashboard.plots import Curve, Plot
from cnn_tui.tui.dashboard.ticks import Axis, near_axis
from cnn_tui.tui.inspect.canvas import (
    Canvas,
    Drawn,
    Seen,
    Wanted,
    aligned,
    runs_beside,
)
from cnn_tui.tui.inspect.charts import chart_and_table, legend
from cnn_tui.tui.rows import Line
from cnn_tui.tui.words import percent

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject

_IMAGES = 32
"""Images whose maps are shifted."""


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> ShiftSeen:
    """Train the neighbour, unless it is there, and test both; then shift the maps."""
    root, data_dir = runs_beside(wanted)
    found = shift(
        subject,
        root,
        data_dir=data_dir,
        seed=wanted.seed,
        watcher=watcher,
    )
    return ShiftSeen(found, equivariance(subject, subject.images(limit=_IMAGES).images))


@dataclass(frozen=True, eq=False)
class ShiftSeen(Seen):
    """Both curves, and how far the maps of each layer shift with the image."""

    found: ShiftTest
    maps: ShiftedMaps

    @property
    def said(self) -> Sequence[str]:
        own, other = self.found.own, self.found.beside
        pixels = self.found.shifts[-1]
        kept = [row for row in self.maps.rows if row.multiple and row.difference is not None]
        most = max((row.difference or 0.0 for row in kept), default=0.0)
        exactly = f"to {most:.0e}" if most else "exactly"
        return (
            f"At {pixels} pixels: {percent(own.accuracy[-1])} by this network, "
            f"{percent(other.accuracy[-1])} by {other.name}, fully connected, with "
            f"{other.params:,} parameters; unshifted {percent(own.accuracy[0])} and "
            f"{percent(other.accuracy[0])}.",
            f"Away from the border the maps shift with the image {exactly} where the shift is a "
            "multiple of the stride; elsewhere they change.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        found = self.found
        curves = tuple(
            Curve(tuple(zip(map(float, found.shifts), each.accuracy, strict=True)), glyph)
            for glyph, each in (("C", found.own), ("F", found.beside))
        )
        values = [share for curve in curves for _, share in curve.points]
        pixels = tuple(map(float, found.shifts))
        x = Axis(-0.3, pixels[-1] + 0.3, pixels, tuple(f"{at} px" for at in found.shifts))
        title = legend(curves, [f"{each.name}" for each in (found.own, found.beside)])
        plot = Plot(curves, x, near_axis(values, 5))
        return chart_and_table(plot, title, self._table(canvas.width), canvas)

    def to_json(self) -> object:
        return {**self.found.to_json(), "maps": self.maps.to_json()}

    def _table(self, width: int) -> list[Line]:
        found = self.found
        head = ("shift", *(f"{pixels} px" for pixels in found.shifts), "")
        curves = [
            (each.name, *(percent(share) for share in each.accuracy), each.run)
            for each in (found.own, found.beside)
        ]
        rows = [_row(row) for row in self.maps.rows]
        header = ("layer", "stride", "shift", "inside", "with border", "")
        maps = aligned(header, rows, width=width)
        return [*aligned(head, curves), (), *maps]


def _row(row: Equivariance) -> tuple[str, ...]:
    inside = "-" if row.difference is None else f"{row.difference:.1%}"
    note = "every window sees the border" if row.difference is None else ""
    if not row.multiple:
        note = "not a multiple of the stride"
    return (row.layer, str(row.stride), f"{row.shift} px", inside, f"{row.at_border:.1%}", note)
