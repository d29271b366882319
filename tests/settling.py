"""When a key has had its effect: told by the event loop, where Textual's own tests watch the clock.

Textual's pilot sleeps for 40 ms or more after each key, and takes a process that then used little
time for one that has nothing to do: that was most of the time of the tests of the app.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import pytest

FRAME = 0.03
"""Seconds within which a timer belongs to the key before it."""
DRAWING = 0.004
"""Seconds between two drawings of a screen, fewer than usual: one that is due is waited for."""
THREADS = ("aside", "trainer")
"""The names of those that may work for a key."""
ALLOWANCE = 0.3
"""Seconds that such a thread is waited for; a training goes on."""

_first_seen: WeakKeyDictionary[threading.Thread, float] = WeakKeyDictionary()


@contextmanager
def settling() -> Iterator[None]:
    """Let the pilot of every app wait by ``settled``."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("app", "pilot"):
            patch.setattr(f"textual.{module}.wait_for_idle", settled)
        patch.setattr("textual.screen.UPDATE_PERIOD", DRAWING)
        yield


async def settled(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until the loop has nothing to do now or soon, and no thread works for it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + max_sleep
    await asyncio.sleep(min_sleep)
    while (now := loop.time()) < end:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        soon = [when for when in _timers(loop) if when < now + FRAME]
        if soon:
            await asyncio.sleep(max(0.0, min(soon) - now))
        elif _threads_work(now):
            await asyncio.sleep(0.001)
        else:
            return


def _timers(loop: asyncio.AbstractEventLoop) -> list[float]:
    handles = loop._scheduled
    return [handle.when() for handle in handles if not handle.cancelled()]


def _threads_work(now: float) -> bool:
    return any(
        now < _first_seen.setdefault(thread, now) + ALLOWANCE
        for thread in threading.enumerate()
        if thread.name in THREADS
    )
