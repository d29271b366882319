"""Filters: their weights, where they look at the image itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.excite import Excitement, excite
from cnn_tui.engine.insight.filters import Filters, filters
from cnn_tui.engine.insight.health import FilterHealth, health
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.engine.shapes import format_shape
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted
from cnn_tui.tui.inspect.excite import patch_tiles
from cnn_tui.tui.inspect.health import marks
from cnn_tui.tui.inspect.sheet import Tile, contact_sheet, draw_sheet
from cnn_tui.tui.samples import scale_words
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject

_FEW = 128
"""Images on which the filters are judged here; the view of health takes all."""


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> FiltersSeen:
    """Read the filters of a conv layer; their health is judged on a few images."""
    found = filters(subject, wanted.layer)
    judged = patches = None
    with suppress(InsightError):
        judged = health(subject, [found.layer], limit=_FEW, watcher=watcher.quiet)
        if not found.sees_image:
            patches = excite(subject, found.layer, count=4, limit=_FEW, watcher=watcher.quiet)
    return FiltersSeen(found, judged, patches)


@dataclass(frozen=True, eq=False)
class FiltersSeen(Seen):
    """The filters as a sheet, strongest first."""

    found: Filters
    judged: FilterHealth | None
    """None without data, or if the weights are not finite."""
    patches: Excitement | None
    """Patches for the filters of a deeper layer, whose weights are no pictures of anything."""

    @property
    def said(self) -> Sequence[str]:
        _, channels, *kernel = self.found.weight.shape
        size = format_shape((*kernel, channels))
        if self.judged is None:
            return (f"{count(len(self.found.norms), 'filter')} of {size}.",)
        verdict, images = self.judged.layers[0].verdict, self.judged.images
        if self.patches is None:
            return (f"{verdict}; of {size}, judged on {images} images.",)
        return (
            f"{verdict}; of {size}, judged on {images} images.",
            "Deeper filters are shown by the patches that excite them most.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        if self.patches is not None:
            return draw_sheet(self._tiles(canvas.ground), canvas)
        scale = self._scale(canvas)
        drawn = draw_sheet(self._tiles(), canvas.below(1))
        order = ", largest norm first" if drawn.pages > 1 else ""
        return replace(drawn, lines=[((f" {scale}{order}", "dim"),), *drawn.lines])

    def _scale(self, canvas: Canvas) -> str:
        found = self.found
        channels = found.weight.shape[1]
        mean = f"mean of {channels} channels; " if channels not in (1, 3) else ""
        return f"{mean}{scale_words(channels, found.scale, canvas.form)}"

    def to_json(self) -> object:
        return self.found.to_json()

    def pixels(self) -> NDArray[np.uint8] | None:
        return contact_sheet(self._tiles())

    def _tiles(self, ground: int = Canvas.ground) -> list[Tile]:
        found = self.found
        wrong = marks(self.judged.layers[0]) if self.judged else {}
        if self.patches is not None:
            return patch_tiles(self.patches, wrong, ground)
        return [
            Tile(at, Picture(found.weight[at], "signed", found.scale), mark=wrong.get(at, ""))
            for at in found.strongest_first
        ]
