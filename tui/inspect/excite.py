"""The patches of the data with the largest responses of each filter of a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnn_tui.engine.insight.excite import Excitement, FilterPatches, excite
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted
from cnn_tui.tui.inspect.sheet import Tile, contact_sheet, draw_sheet
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject

_SIDE = 2
"""Patches of a filter beside and above one another."""
_OUTSIDE = 64
"""The grey of the padding that belongs to a patch."""


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> ExciteSeen:
    """Search the validation split."""
    layer = wanted.layer or subject.conv_layers()[0]
    return ExciteSeen(excite(subject, layer, seed=wanted.seed, watcher=watcher))


@dataclass(frozen=True, eq=False)
class ExciteSeen(Seen):
    """The best patches of each filter as a sheet."""

    found: Excitement

    @property
    def said(self) -> Sequence[str]:
        height, width = self.found.field
        silent = sum(not one.patches for one in self.found.filters)
        quiet = f"; {silent} never respond" if silent else ""
        return (
            f"{count(len(self.found.filters), 'filter')}{quiet}. Each patch is what a "
            f"filter sees of an image, {height}x{width} pixels: the {_SIDE * _SIDE} that excite it "
            f"most of {self.found.images:,}.",
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        return draw_sheet(patch_tiles(self.found, {}, canvas.ground), canvas)

    def to_json(self) -> object:
        return self.found.to_json()

    def pixels(self) -> NDArray[np.uint8] | None:
        return contact_sheet(patch_tiles(self.found, {}))


def patch_tiles(
    found: Excitement, wrong: Mapping[int, str], ground: int = Canvas.ground
) -> list[Tile]:
    """Return a picture of its best patches for each filter, the strongest filter first.

    A filter that has none is of the grey ``ground``.
    """
    ordered = sorted(found.filters, key=lambda one: -_response(one))
    patches = [patch for one in ordered for patch in one.patches]
    # Deep filters see beyond the image on all sides: only what they see of it is drawn.
    size = (max((p.height for p in patches), default=1), max((p.width for p in patches), default=1))
    return [
        Tile(
            one.filter,
            Picture(_mosaic(found, one, size, ground)),
            f"{_response(one):.2g}" if one.patches else "",
            wrong.get(one.filter, "" if one.patches else "silent"),
            four=True,
        )
        for one in ordered
    ]


def _response(one: FilterPatches) -> float:
    return one.patches[0].response if one.patches else float("-inf")


def _mosaic(
    found: Excitement, one: FilterPatches, largest: tuple[int, int], ground: int
) -> NDArray[np.uint8]:
    """Return the best patches ``(C, H, W)``; where a field reaches beyond the image it is grey."""
    height, width = largest
    pictures = [(patch, found.picture(patch)) for patch in one.patches[: _SIDE * _SIDE]]
    channels = pictures[0][1].shape[0] if pictures else 1
    whole = np.full((channels, _SIDE * height, _SIDE * width), ground, np.uint8)
    for at, (patch, pixels) in enumerate(pictures):
        top, left = at // _SIDE * height, at % _SIDE * width
        whole[:, top : top + height, left : left + width] = _OUTSIDE
        # A patch that was cut at the top or the left of its image lacks its first rows or columns.
        top += height - patch.height if patch.top == 0 else 0
        left += width - patch.width if patch.left == 0 else 0
        whole[:, top : top + patch.height, left : left + patch.width] = pixels
    return whole
