"""The top and the bottom line of a main screen: header and key bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.binding import Binding
from textual.keys import key_to_character
from textual.message import Message
from textual.widgets import Input

from cnn_tui.tui.rows import Line, Run
from cnn_tui.tui.widgets.lines import Lines, Shown

MODES = (
    ("build", "1 Build"),
    ("train", "2 Train"),
    ("runs", "3 Runs"),
    ("inspect", "4 Inspect"),
    ("sweeps", "5 Sweeps"),
    ("learn", "6 Learn"),
)

_ROOMY = 100
"""Columns from which on the program's name stands before the tabs, and each has room around it."""


@dataclass(frozen=True)
class Heading:
    """The right end of the header."""

    name: str = ""
    data: str = ""
    state: str = ""
    recipe: str = ""


class Header(Lines):
    """Program name, tabs, then the network, its data and the state of the run."""

    class ModeRequested(Message):
        """A tab was clicked."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    heading: Shown[Heading] = Shown(Heading())

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._tabs: list[tuple[int, int, str]] = []

    def lines(self, width: int, height: int) -> Sequence[Line]:
        # On a narrow terminal the run needs the room more than the program's name.
        left = [(" cnn-tui ", "bar dim")] if width >= _ROOMY else []
        self._tabs = []
        for mode, label in MODES:
            tab = (f" {label} ", "bar dim")
            if mode == self._mode:
                tab = (f"[{label}]", "bar strong accent")
            if self._tabs and width < _ROOMY:
                left[-1], tab = _side_by_side(left[-1], tab)
            start = sum(len(text) for text, _ in left)
            self._tabs.append((start, start + len(tab[0]), mode))
            left.append(tab)
        if left[-1][0].endswith("]"):
            left.append((" ", "bar"))
        return [(*left, *self._right(width - sum(len(text) for text, _ in left)))]

    def on_click(self, event: events.Click) -> None:
        for start, end, mode in self._tabs:
            if start <= event.x < end:
                self.post_message(self.ModeRequested(mode))

    def _right(self, room: int) -> Line:
        heading = self.heading
        texts = (heading.state, heading.name, heading.recipe, heading.data)
        roles = ("bar accent", "bar strong", "bar", "bar dim")
        shorter = (*texts[:2], heading.recipe.rpartition(",")[0], heading.data)
        # The size of the images is in the first row of Build as well.
        shortest = (*shorter[:3], heading.data.partition(" ")[0].rstrip(","))
        for tried in (texts, shorter, shortest, shorter[:3], shorter[:2], shorter[:1]):
            parts = [part for part in zip(tried, roles, strict=False) if part[0]]
            # Two spaces after each part, one after the last.
            used = sum(len(text) + 2 for text, _ in parts) - bool(parts)
            if used <= room:
                break
        else:
            parts, used = [], 0
        spaced = [run for part in parts for run in (part, ("  ", "bar"))][:-1]
        return ((" " * (room - used), "bar"), *spaced, *([(" ", "bar")] if parts else []))


def _side_by_side(left: Run, right: Run) -> tuple[Run, Run]:
    """Let two tabs share the column between them, of which a bracket takes what it needs."""
    if right[0].startswith("["):
        return (left[0][:-1], left[1]), right
    return left, (right[0][1:], right[1])


class KeyBar(Lines):
    """The active bindings of the screen, so that no other key is ever shown."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._known: list[Binding] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        typing = isinstance(self.screen.focused, Input)
        runs: list[Run] = [(" typing ", "cursor"), (" ", "")] if typing else []
        room = width - 1 - sum(len(text) for text, _ in runs)
        for binding in self._fitting(room):
            runs += [(self._key(binding), "accent bold"), (f" {binding.description}  ", "dim")]
        return [((" ", ""), *runs)]

    def _fitting(self, room: int) -> list[Binding]:
        """Return the bindings for which there is room; the way to all others always has it."""
        shown = self._shown()
        kept = [binding for binding in shown if binding.action == "app.help"]
        left = room - sum(map(self._columns, kept))
        for binding in shown:
            if binding in kept:
                continue
            left -= self._columns(binding)
            if left < -_GAP:
                break
            kept.append(binding)
        return [binding for binding in shown if binding in kept]

    def _columns(self, binding: Binding) -> int:
        return len(self._key(binding)) + 1 + len(binding.description) + _GAP

    async def on_click(self, event: events.Click) -> None:
        """Press the clicked key."""
        at = 1 + 9 * isinstance(self.screen.focused, Input)
        for binding in self._fitting(self.content_size.width - at):
            at += self._columns(binding)
            if event.x < at:
                self.app.simulate_key(binding.key)
                return

    def _changed(self, _: Any) -> None:
        self.redraw()

    def _shown(self) -> list[Binding]:
        """Return one visible binding for each action.

        Below a dialog they stay as they were: Textual would ask the dialog for the screen's
        actions.
        """
        if self.app.screen is not self.screen and self._known:
            return self._known
        bindings = list(self.screen.active_bindings.values())
        if isinstance(self.screen.focused, Input):
            bindings = [one for one in bindings if not _writes(one.binding)]
        shown = {active.binding.action: active.binding for active in reversed(bindings)}
        order = {
            active.binding.action: None
            for active in bindings
            if active.binding.show and active.enabled
        }
        self._known = [shown[action] for action in order]
        return self._known

    def _key(self, binding: Binding) -> str:
        return binding.key_display or self.app.get_key_display(binding)


_GAP = 2
"""Columns between two keys."""


def _writes(binding: Binding) -> bool:
    """Whether a key is text while text is being typed."""
    character = key_to_character(binding.key)
    return character is not None and character.isprintable()
