"""The network as a row of volumes, the selected one highlighted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from textual import events
from textual.message import Message

from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.report import Report
from cnn_tui.tui.building.kinds import role_of
from cnn_tui.tui.building.volumes import GAP, Box, DrawnVolume, to_scale, volumes, window
from cnn_tui.tui.rows import Line, Run
from cnn_tui.tui.widgets.lines import Lines
from cnn_tui.tui.words import fit

_BELOW = 4
"""Rows below the volumes: mark, numbers, description, scale."""


class VolumeView(Lines, can_focus=True):
    """Volumes side by side, centred vertically."""

    DEFAULT_CLASSES = "panel"
    BORDER_TITLE = "volumes"

    class Chosen(Message):
        """A volume was clicked; ``layer`` is the number of its first layer."""

        def __init__(self, layer: int) -> None:
            super().__init__()
            self.layer = layer

    class Scrolled(Message):
        """The wheel was turned."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen: list[Box] = []
        self._network: Network | None = None
        self._report: Report | None = None
        self._chosen = 0
        self._drawn: tuple[DrawnVolume, ...] = ()
        self._blocks: tuple[Box, ...] = ()
        self._sides = (0, 0)
        """The columns and half rows that the boxes fill."""

    def show(self, network: Network, report: Report, chosen: int) -> None:
        """Show a network; ``chosen`` is the number of a layer, 0 for the input."""
        if network is not self._network or report is not self._report:
            self._network, self._report, self._sides = network, report, (0, 0)
        self._chosen = chosen
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        x, _ = self.place_of(event)
        end = 1
        for block in self._seen:
            end += block.width + GAP
            if x < end:
                self.post_message(self.Chosen(block.volume.layers[0]))
                return

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Scrolled(1))

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Scrolled(-1))

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if self._network is None or self._report is None or height <= _BELOW:
            return []
        rows = height - _BELOW
        if self._sides != (width - 2, 2 * rows):
            # Kept while the cursor moves: of 500 layers they take as long as a key may.
            self._sides = (width - 2, 2 * rows)
            self._drawn = volumes(self._network, self._report)
            self._blocks = to_scale(self._drawn, *self._sides)
        drawn, blocks = self._drawn, self._blocks
        chosen = next((at for at, one in enumerate(drawn) if self._chosen in one.layers), -1)
        shown = window(blocks, max(0, chosen), width - 2)
        seen = [(at == chosen, blocks[at]) for at in shown]
        self._seen = [block for _, block in seen]
        return [
            *(tuple(self._row(seen, 2 * row, 2 * rows)) for row in range(rows)),
            tuple(_under((lit, block, "━" * block.width if lit else "") for lit, block in seen)),
            tuple(_under((lit, block, str(block.volume.layers[0])) for lit, block in seen)),
            self._words(blocks, chosen, width),
            ((fit(self._scale(blocks, shown), width), "dim"),),
        ]

    def _row(self, seen: Sequence[tuple[bool, Box]], top: int, halves: int) -> Iterator[Run]:
        yield (" ", "")
        for _, block in seen:
            first = (halves - block.height) // 2
            inside = [first <= half < first + block.height for half in (top, top + 1)]
            char = {(True, True): "█", (True, False): "▀", (False, True): "▄"}.get(
                (inside[0], inside[1]), " "
            )
            role = role_of(block.volume.kind) or "dim"
            yield (char * block.width, role)
            yield (" " * GAP, "")

    def _words(self, blocks: Sequence[Box], chosen: int, width: int) -> Line:
        if chosen < 0:
            return ((fit(" the output here is unknown: see the issue", width), "error"),)
        volume = blocks[chosen].volume
        numbers = ", ".join(map(str, volume.layers))
        words = f" {numbers}  {volume.kind}  {format_shape(volume.shape)}"
        if role_of(volume.kind) == "block" and self._report is not None:
            words += f"  {self._report.layers[volume.layers[0] - 1].settings}"
        return ((fit(words, width), "strong"),)

    def _scale(self, blocks: Sequence[Box], shown: range) -> str:
        hidden = len(blocks) - len(shown)
        more = f"   {hidden} more" if hidden else ""
        return f" height: pixels, width: channels, both to scale; fc: height is outputs{more}"


def _under(seen: Iterable[tuple[bool, Box, str]]) -> Iterator[Run]:
    """Yield labels below the volumes: the lit one, and others that keep clear of it and each other.

    A label may reach below the next volumes, which then have none.
    """
    labels, width = list[tuple[int, int, str, bool]](), 0
    for lit, block, words in seen:
        labels.append((width, width + len(words), words, lit))
        width += block.width + GAP
    kept = [(start, end) for start, end, _, lit in labels if lit]
    column = 0
    yield (" ", "")
    for start, end, words, lit in labels:
        is_near = any(end >= first and start <= last for first, last in kept)
        if lit or (words and column <= start and end < width and not is_near):
            yield (" " * (start - column), "")
            yield (f"{words} ", "accent bold" if lit else "dim")
            column = end + 1
