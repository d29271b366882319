"""The bottom line: the keys that do something here and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events
from textual.binding import Binding

from cnn_tui.tui.widgets.lines import Line, Lines, Run


class KeyBar(Lines):
    """Reads the bindings that are active, so that it can never promise another key."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._known: list[Binding] = []

    def on_mount(self) -> None:
        """Follow the focus and whatever else changes the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """As many keys as fit, the first in the order of their declaration."""
        runs: list[Run] = []
        room = width - 1
        for binding in self._shown():
            key, words = self._key(binding), f" {binding.description}  "
            if len(key) + len(words) - 2 > room:
                break
            room -= len(key) + len(words)
            runs += [(key, "accent"), (words, "dim")]
        return [((" ", ""), *runs)]

    async def on_click(self, event: events.Click) -> None:
        """A click on a key presses it."""
        at = 1
        for binding in self._shown():
            at += len(self._key(binding)) + len(binding.description) + 3
            if event.x < at:
                self.app.simulate_key(binding.key)
                return

    def _changed(self, _: Any) -> None:
        self.redraw()

    def _shown(self) -> list[Binding]:
        """One binding for each action, the hidden ones left out.

        Below a dialog they stay as they were: Textual would ask the dialog what its screen allows.
        """
        if self.app.screen is not self.screen and self._known:
            return self._known
        active = self.screen.active_bindings.values()
        shown = {one.binding.action: one.binding for one in reversed(list(active))}
        order = {one.binding.action: None for one in active if one.binding.show and one.enabled}
        self._known = [shown[action] for action in order]
        return self._known

    def _key(self, binding: Binding) -> str:
        return binding.key_display or self.app.get_key_display(binding)
