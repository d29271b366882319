"""Sliding: the class that a network sees at every place of a larger image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_tui.engine.insight.slide import ClassMap, canvas_of_file, digits_canvas, slide
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import Canvas, Drawn, Seen, Wanted, paged
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture, colours_of, fitted, lines_of
from cnn_tui.tui.words import clean, count, duration

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.subject import Subject

_LABEL = 3
"""Most characters of a class in the map."""
_SURE, _UNSURE = 0.9, 0.5
_WIDEST = 112


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> SlideSeen:
    """Slide over a picture, or over images of the data side by side."""
    _, height, width = subject.network.input
    if isinstance(wanted.image, Path):
        canvas = canvas_of_file(subject, wanted.image)
    else:
        tall, wide = wanted.size or (height, 3 * width)
        canvas = digits_canvas(subject, tall, wide, seed=wanted.image)
    return SlideSeen(slide(subject, canvas, watcher=watcher))


@dataclass(frozen=True, eq=False)
class SlideSeen(Seen):
    """The image above the map of classes."""

    found: ClassMap

    @property
    def where(self) -> str:
        _, height, width = self.found.canvas.shape
        return f"{height}x{width} pixels"

    @property
    def said(self) -> Sequence[str]:
        found = self.found
        _, rows, columns = found.scores.shape
        single, batched = found.single_seconds / found.seconds, found.crops_seconds / found.seconds
        return (
            f"{rows}x{columns} places, {count(found.stride[0], 'pixel')} apart, all at once in "
            f"{duration(found.seconds)}: {single:.1f} times as fast as one crop after the other "
            f"({duration(found.single_seconds)}), {batched:.1f} times as fast as crops in batches. "
            f"The results differ by {found.worst_difference:.0e} at most.",
            *filter(None, [found.remark]),
        )

    def drawn(self, canvas: Canvas) -> Drawn:
        picture = Picture(fitted(self.found.canvas, self._side(canvas)))
        drawn = lines_of(picture, canvas.form)
        across = sum(len(text) for text, _ in drawn[0])
        # The blank at the end keeps the last pixel from colouring the rest of the row.
        lines: list[Line] = [((" ", ""), *line, (" ", "")) for line in drawn]
        lines += [((" the image, and the class at each place: bold where it is sure", "dim"),)]
        return paged([*lines, *self._map(canvas.width, across)], canvas)

    def to_json(self) -> object:
        return self.found.to_json()

    def pixels(self) -> NDArray[np.uint8] | None:
        return colours_of(Picture(self.found.canvas))

    def _side(self, canvas: Canvas) -> int:
        """The longest side of the image: as large as leaves room for the map."""
        side = min(_WIDEST, canvas.width - 2)
        if canvas.height is None:
            return side
        height, width = map(int, self.found.canvas.shape[1:])
        rows = max(canvas.height // 3, canvas.height - len(self.found.labels) - 1)
        return max(8, min(side, 2 * rows * max(height, width) // height))

    def _map(self, width: int, across: int) -> list[Line]:
        """The classes: below the middle of their windows on an image of ``across`` columns.

        Where these are too close to one another, side by side.
        """
        labels, sure = self.found.labels, self.found.confidence
        names = [clean(name)[:_LABEL] for name in self.found.classes]
        wide = max(map(len, names)) + 1
        pixels, step = self.found.canvas.shape[2], self.found.stride[1]
        first = (pixels - (labels.shape[1] - 1) * step) / 2
        by = across / pixels
        if step * by >= wide:
            middles = [(first + at * step) * by for at in range(labels.shape[1])]
            return [
                _below(middles, [names[at] for at in row], shares)
                for row, shares in zip(labels.tolist(), sure.tolist(), strict=True)
            ]
        every = -(-labels.shape[1] * wide // (width - 2))
        return [
            ((" ", ""), *((names[at].rjust(wide), _role(share)) for at, share in places))
            for places in (
                list(zip(row[::every].tolist(), shares[::every].tolist(), strict=True))
                for row, shares in zip(labels[::every], sure[::every], strict=True)
            )
        ]


def _below(middles: Sequence[float], names: Sequence[str], shares: Sequence[float]) -> Line:
    """Write names around columns, from the second one of a row on."""
    runs, used = [(" ", "")], 0
    for middle, name, share in zip(middles, names, shares, strict=True):
        start = max(used, int(middle - len(name) / 2))
        runs += [(" " * (start - used), ""), (name, _role(share))]
        used = start + len(name)
    return tuple(runs)


def _role(share: float) -> str:
    return "accent strong" if share >= _SURE else "" if share >= _UNSURE else "faint"
