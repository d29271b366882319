"""Typing ahead: keys that follow one that opens something wait until that has the focus.

A key takes several turns of Textual's message pumps: from the focused widget up to the app, where
it may start a worker that asks something, or open a screen whose input does not exist yet. Without
a gate the next key would meanwhile act on the screen that is about to be covered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from textual import events
from textual.app import App, ScreenStackError
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import SystemModalScreen

_AT_ONCE = ("ctrl+c", "ctrl+q")
"""Keys that are never held: one has to be able to leave whatever happens."""
PATIENCE = 10.0
"""Seconds after which held keys are delivered although something may still be opening."""
_REMOVED = 0.05
"""Seconds between two looks whether a widget still exists."""
_LOOK = 0.01
"""Seconds between two looks whether a worker has opened its dialog."""


class KeyPassed(Message):
    """Follows a key through the same queues; when it is at the app, the key has been handled."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Event()


class TypeAhead:
    """Lets one key through at a time: the next one when all effects of the last can be seen."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._held: deque[events.Event] = deque()
        self._settling: asyncio.Task[None] | None = None
        self._released: events.Event | None = None

    @property
    def idle(self) -> bool:
        """Whether every key has been delivered and handled."""
        return self._settling is None and self._released is None and not self._held

    def holds(self, event: events.Event) -> bool:
        """Whether an event has to wait; if so, it is posted again later."""
        if self.idle or event is self._released or getattr(event, "key", "") in _AT_ONCE:
            return False
        self._held.append(event)
        return True

    def follow(self, event: events.Event, target: MessagePump) -> None:
        """Close the gate until all that an event sets off has happened."""
        if self.idle or event is self._released:
            self._released = None
            self._settling = asyncio.create_task(self._settle(target))

    async def _settle(self, target: MessagePump) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._pass(target)
                await self._wait_for_screen()
        except (TimeoutError, ScreenStackError):
            pass  # without a screen the app is ending
        finally:
            self._settling = None
            if self._held:
                self._released = self._held.popleft()
                self._app.post_message(self._released)

    async def _wait_for_screen(self) -> None:
        """Wait until no worker is about to open a screen, and the present one is complete."""
        screen = None
        while self._app.screen is not screen or self._is_opening():
            if self._app.screen is screen:
                await asyncio.sleep(_LOOK)
            screen = self._app.screen
            # A screen handles its first message when its widgets are there, one with the focus.
            await self._pass(self._app.focused or screen)

    async def _pass(self, pump: MessagePump) -> None:
        """Wait until a widget and all above it have handled what is in their queues."""
        message = KeyPassed()
        on_its_way = pump.post_message(message)
        # A widget that is removed meanwhile takes the message with it.
        while on_its_way and pump.is_attached and not message.arrived.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_REMOVED):
                    await message.arrived.wait()

    def _is_opening(self) -> bool:
        """Whether a worker runs that does not wait for the answer to the dialog on top."""
        top = self._app.screen
        return any(
            not worker.is_finished
            and not (top.is_modal and worker.node is not top)
            and not isinstance(worker.node, SystemModalScreen)
            for worker in self._app.workers
        )


def is_typed(event: events.Event) -> bool:
    """Whether an event comes from the keyboard, or may open something as a key does."""
    if event.is_forwarded:
        return False
    return isinstance(event, (events.Key, events.Paste, events.MouseDown, events.MouseUp))
