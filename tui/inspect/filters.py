"""Filters: their weights, where they look at the image itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.filters import Filters, filters
from cnn_tui.engine.insight.health import FilterHealth, health
from cnn_tui.tui.inspect.canvas import Cancelled, Canvas, Drawn, Progress, Wanted
from cnn_tui.tui.inspect.health import marks
from cnn_tui.tui.inspect.sheet import Tile, contact_sheet, draw_sheet
from cnn_tui.tui.samples import scale_words
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject

_FEW = 256
"""Images on which the filters are judged here; the view of health takes all."""


def compute(
    subject: Subject, wanted: Wanted, progress: Progress, cancelled: Cancelled
) -> FiltersSeen:
    """Read the filters of a conv layer; their health is judged on a few images."""
    found = filters(subject, wanted.layer)
    judged = None
    with suppress(InsightError):
        judged = health(subject, [found.layer], limit=_FEW, progress=progress, cancelled=cancelled)
    return FiltersSeen(found, judged)


@dataclass(frozen=True, eq=False)
class FiltersSeen:
    """The filters as a sheet, strongest first."""

    found: Filters
    judged: FilterHealth | None
    """None without data, or if the weights are not finite."""

    where = ""

    @property
    def said(self) -> Sequence[str]:
        kernel = "x".join(map(str, self.found.weight.shape[2:]))
        channels = self.found.weight.shape[1]
        size = f"{kernel}x{channels}"
        if self.judged is None:
            return (f"{count(len(self.found.norms), 'filter')} of {size}.",)
        verdict, images = self.judged.layers[0].verdict, self.judged.images
        return (f"{verdict}; of {size}, judged on {images} images.",)

    def drawn(self, canvas: Canvas) -> Drawn:
        scale = scale_words(self.found.weight.shape[1], self.found.scale, canvas.form)
        drawn = draw_sheet(self._tiles(), canvas.below(1))
        order = ", largest norm first" if drawn.pages > 1 else ""
        return replace(drawn, lines=[((f" {scale}{order}", "dim"),), *drawn.lines])

    def to_json(self) -> object:
        return self.found.to_json()

    def pixels(self) -> NDArray | None:
        return contact_sheet(self._tiles())

    def _tiles(self) -> list[Tile]:
        found = self.found
        wrong = marks(self.judged.layers[0]) if self.judged else {}
        return [
            Tile(at, Picture(found.weight[at], "signed", found.scale), mark=wrong.get(at, ""))
            for at in found.strongest_first
        ]
