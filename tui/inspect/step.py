"""The stepper: one output of a convolution or a pool, term by term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from cnn_tui.engine.insight.step import Step, step
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.inspect.canvas import (
    Canvas,
    Drawn,
    Seen,
    Wanted,
    class_of,
    paged,
)
from cnn_tui.tui.inspect.row import Captioned, beside, draw_row
from cnn_tui.tui.rows import Line
from cnn_tui.tui.terminal.half_blocks import Picture
from cnn_tui.tui.words import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnn_tui.engine.insight.examples import Examples
    from cnn_tui.engine.insight.subject import Subject

CONVS = ("conv", "dwconv")
_CELL = 6
"""Columns of a number in a grid."""
_GAP = 2
_PICTURE_ROWS, _MOST_ROWS = 9, 17
"""Rows of the pictures with their captions: usually, and where the numbers leave them."""
_MARK = (255, 150, 50)
"""Colour of the window, and of the output."""
_MOST_SUMS = 8
"""Sums of channels that are written out."""


def compute(subject: Subject, wanted: Wanted, watcher: Watcher) -> StepSeen:
    """Take one output of the layer apart."""
    example = subject.example(wanted.image)
    layer = wanted.layer or subject.conv_layers()[0]
    with subject.model.opened(example.images) as inside:
        found = step(
            subject,
            inside,
            layer,
            channel=wanted.filters[0] if wanted.filters else 0,
            position=wanted.at,
            of_class=class_of(subject, wanted),
        )
        images = example.images
        source = inside.output(found.source)[0] if found.source != "input" else images[0]
        outputs = inside.output(layer)[0]
    return StepSeen(found, example, source, outputs[found.channel], subject.classes, len(outputs))


@dataclass(frozen=True, eq=False)
class StepSeen(Seen):
    """The window, its terms and their sum."""

    found: Step
    example: Examples
    source: NDArray[np.floating]
    """The input of the layer, ``(C, H, W)``."""
    output: NDArray[np.floating]
    """The layer's output in this channel, ``(H, W)``."""
    classes: tuple[str, ...]
    channels: int
    """Channels of the output."""

    @property
    def where(self) -> str:
        found = self.found
        row, column = found.position
        noun = "filter" if found.kind in CONVS else "channel"
        return f"{noun} {found.channel} at ({row}, {column})"

    @property
    def said(self) -> Sequence[str]:
        return (self._sentence(), *filter(None, [self.example.note]))

    def drawn(self, canvas: Canvas) -> Drawn:
        below = [(), *self._sums(canvas.width), (), *self._grids(canvas)]
        rows = _picture_rows(canvas.height, len(below))
        lines = [*draw_row(self._pictures(), replace(canvas, height=rows + 1)), *below]
        drawn = paged(lines, canvas)
        channels = range(self.channels)
        window = self.found.position, self.found.size
        return Drawn(drawn.lines, drawn.pages, channels, len(channels), window)

    def to_json(self) -> object:
        return self.found.to_json()

    def pixels(self) -> NDArray[np.uint8] | None:
        return beside(self._pictures())

    def _sentence(self) -> str:
        found = self.found
        padding = int((~found.inside).sum())
        outside = f", {padding} of them padding" if padding else ""
        name = self.classes[found.of_class]
        slope = found.gradient + 0.0  # 0 rather than -0
        pull = f'The score of "{name}" changes by {slope:.3g} for each 1 that it rises'
        match found.kind:
            case "conv" | "dwconv":
                terms = count(found.inputs.size, "product")
                return f"{terms} of input and weight{outside}, their sum, and the bias. {pull}."
            case "maxpool":
                return (
                    f"The largest of {found.inputs.size} numbers{outside}. {pull}, and the whole "
                    "gradient goes to that number."
                )
        return (
            f"The mean of {found.inputs.size} numbers{outside}. {pull}, and each of them gets "
            "an equal part of the gradient."
        )

    def _pictures(self) -> list[Captioned]:
        found = self.found
        plane = self.source[found.first_channel] if len(self.source) > 1 else self.source[0]
        rows, columns = (
            places[(places >= 0) & (places < size)]
            for places, size in zip((found.rows, found.columns), plane.shape, strict=True)
        )
        height, width = self.output.shape
        label = "the input" if found.source == "input" else f"{_short(found.source)}, channel"
        if found.source != "input":
            label = f"{label} {found.first_channel}"
        return [
            Captioned(_marked(plane, rows, columns), label),
            Captioned(
                _marked(self.output, np.array([found.position[0]]), np.array([found.position[1]])),
                f"{_short(found.layer)}, {height}x{width}",
            ),
        ]

    def _sums(self, width: int) -> list[Line]:
        found = self.found
        result = [f"output {found.value:+.4f}"]
        lines: list[Line] = []
        if found.kind in CONVS:
            sums = found.products.sum((1, 2)).tolist()
            result = [f"sum {sum(sums):+.4f}", f"bias {found.bias:+.4f}", *result]
            if len(sums) > 1:
                written = " ".join(f"{value:+.3f}" for value in sums[:_MOST_SUMS])
                more = f" ... of {len(sums)} channels" if len(sums) > _MOST_SUMS else ""
                lines.append(((f" channels {written}{more}", "dim"),))
        result += [f"{name} {value:+.4f}" for name, value in found.then]
        return [*(((f" {row}", "strong"),) for row in _rows(result, width)), *lines]

    def _grids(self, canvas: Canvas) -> list[Line]:
        found, lines = self.found, list[Line]()
        shown: list[tuple[Sequence[str], NDArray[np.floating]]]
        shown = [(("gradient sent to", "gradient"), found.routed)]
        if found.kind in CONVS:
            shown = [(("weights",), found.factors), (("products",), found.products)]
        for channel in range(len(found.inputs)):
            name = f"channel {found.first_channel + channel}"
            grids = [self._grid((f"inputs, {name}", name), found.inputs[channel], True)]
            grids += [self._grid(titles, array[channel], False) for titles, array in shown]
            lines += _side_by_side(grids, canvas.width)
        return lines

    def _grid(
        self, titles: Sequence[str], values: NDArray[np.floating], is_input: bool
    ) -> list[Line]:
        """Numbers below the first title that is no wider, or else the last."""
        width = _CELL * values.shape[1]
        title = next((title for title in titles if len(title) <= width), titles[-1])
        lines: list[Line] = [((title.ljust(width), "dim"),)]
        filler = (" " * (len(title) - width), "")
        for y, row in enumerate(values.tolist()):
            cells = [
                (".".rjust(_CELL), "faint")
                if is_input and not self.found.inside[y, x]
                else (f"{value:{_CELL}.2f}", "accent" if value > 0 else "warn" if value else "dim")
                for x, value in enumerate(row)
            ]
            lines.append((*cells, filler))
        return lines


def _marked(
    plane: NDArray[np.floating], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Picture:
    """A plane of numbers in grey with a window in colour."""
    low, high = float(plane.min()), float(plane.max())
    grey = (plane - low) / ((high - low) or 1.0) * 255
    pixels = np.repeat(grey[None], 3, axis=0)
    if len(rows) and len(columns):
        window = (slice(None), rows[:, None], columns)
        pixels[window] = (pixels[window] + np.array(_MARK)[:, None, None]) / 2
    return Picture(pixels.astype(np.uint8), "marked")


def _short(layer: str) -> str:
    """The name of a layer without that of its block."""
    return layer.rpartition(".")[2]


def _rows(parts: Sequence[str], width: int) -> list[str]:
    """Put as many parts into each row as there is room for."""
    rows = list(parts[:1])
    for part in parts[1:]:
        longer = f"{rows[-1]}   {part}"
        if len(longer) < width:
            rows[-1] = longer
        else:
            rows.append(part)
    return rows


def _side_by_side(grids: Sequence[list[Line]], width: int) -> list[Line]:
    """Put as many grids beside one another as there is room for."""
    wide = max(sum(len(text) for text, _ in grid[0]) for grid in grids) + _GAP
    across = max(1, (width - 1) // wide)
    lines: list[Line] = []
    for start in range(0, len(grids), across):
        for row in zip_longest(*grids[start : start + across], fillvalue=()):
            parts = [part for line in row for part in (*line, (" " * _GAP, ""))]
            lines.append(((" ", ""), *parts))
    return lines


def _picture_rows(height: int | None, below: int) -> int:
    """Return the rows of the pictures above so many others."""
    if not height:
        return _PICTURE_ROWS
    return max(min(_PICTURE_ROWS, height // 2), min(_MOST_ROWS, height - below - 1))
