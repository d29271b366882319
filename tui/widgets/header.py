"""The top line: where one is, what is being worked on, how the training goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.reactive import var

from cnn_tui.tui.widgets.lines import Line, Lines

MODES = (("build", "1 Build"), ("train", "2 Train"), ("runs", "3 Runs"))


@dataclass(frozen=True)
class Heading:
    """What the header shows at its right end."""

    name: str = ""
    data: str = ""
    state: str = ""


class Header(Lines):
    """Name of the program, tabs, then the network, its data and the state of the run."""

    class ModeRequested(Message):
        """A tab was clicked."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    heading: var[Heading] = var(Heading(), init=False)

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._tabs: list[tuple[int, int, str]] = []

    def watch_heading(self) -> None:
        """Show the new state."""
        self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """One line; what does not fit is left out from the middle."""
        left: list[tuple[str, str]] = [(" cnn-tui ", "bar accent")]
        self._tabs = []
        for mode, label in MODES:
            start = sum(len(text) for text, _ in left)
            active = mode == self._mode
            left.append((f"[{label}]", "bar strong") if active else (f" {label} ", "bar dim"))
            self._tabs.append((start, start + len(label) + 2, mode))
        return [(*left, *self._right(width - sum(len(text) for text, _ in left)))]

    def on_click(self, event: events.Click) -> None:
        """A click on a tab goes there."""
        for start, end, mode in self._tabs:
            if start <= event.x < end:
                self.post_message(self.ModeRequested(mode))

    def _right(self, room: int) -> Line:
        heading = self.heading
        texts = (heading.state, heading.name, heading.data)
        roles = ("bar accent", "bar strong", "bar dim")
        parts = [part for part in zip(texts, roles, strict=True) if part[0]]
        while parts and sum(len(text) + 2 for text, _ in parts) > room:
            parts.pop()
        used = sum(len(text) + 2 for text, _ in parts)
        spaced = [run for part in parts for run in (part, ("  ", "bar"))]
        return ((" " * max(0, room - used), "bar"), *spaced)
